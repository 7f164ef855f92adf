#pragma once

#include "covector/core/method.h"

#include <memory>
#include <string>
#include <vector>

namespace covector::scratch {

struct Options {
  static void describe(Schema<Options>& schema);
};

/// Trains nothing: the backbone goes downstream as it was initialised, which is the row every
/// pretraining method is compared with.
class Scratch final : public Method {
 public:
  Scratch(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  std::vector<ViewSpec> views() const override { return {}; }
  std::vector<std::string> phases(std::int64_t, std::int64_t) const override { return {}; }
  StepResult step(Views& views, const StepInfo& info) override;
};

}  // namespace covector::scratch
