// A sound plug-in for the tests of the loader and of the program.
#include "covector/core/plugin.h"
#include "greeting.h"

namespace {

struct DimOptions {
  double factor = 0.5;
  std::optional<std::int64_t> rounds;
  std::string form = "paper";

  static void describe(covector::Schema<DimOptions>& schema) {
    schema.summary("Makes an image darker.")
        .source("A. Nobody, On Darkness, 1999")
        .family("VR")
        .departure("the paper dims twice | this dims once");
    schema.field("factor", &DimOptions::factor).doc("what is left of the light").between(0.0, 1.0);
    schema.field("rounds", &DimOptions::rounds).doc("how often").unit("step").at_least(1);
    schema.field("form", &DimOptions::form).doc("which form").one_of({"paper", "released"});
  }
};

class Dim final : public covector::Transform {
 public:
  explicit Dim(const DimOptions& options) : factor_(options.factor) {}
  void apply(covector::View& view, covector::Draws&) const override {
    view.set_image(view.image() * factor_);
  }

 private:
  double factor_;
};

}  // namespace

COVECTOR_PLUGIN("sample", "1.2.3", registrar) {
  registrar.add<covector::Transform, Dim, DimOptions>("dim");
  registrar.add<covector::Command, Greeting, covector::NoOptions>("greet");
}
