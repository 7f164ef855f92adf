#include "covector/core/plugin.h"

#include <torch/types.h>

#include <ostream>

namespace {

/// The least that a plug-in can add: a command, with a tensor to show that LibTorch is there.
class Greet final : public covector::Command {
 public:
  explicit Greet(const covector::NoOptions&) {}
  std::string help() const override { return "covector greet"; }
  int run(const std::vector<std::string>&, std::ostream& out) override {
    out << "a vector of " << torch::ones({3}).sum().item<int>() << " elements\n";
    return 0;
  }
};

}  // namespace

COVECTOR_PLUGIN("greet", "0.1.0", registrar) {
  registrar.add<covector::Command, Greet, covector::NoOptions>("greet");
}
