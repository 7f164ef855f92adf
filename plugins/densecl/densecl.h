#pragma once

#include "covector/core/method.h"
#include "covector/networks/dense_moco.h"

#include <memory>
#include <vector>

namespace covector::densecl {

struct Options : networks::DenseMocoOptions {
  double dense_weight = 0.5;
  std::int64_t warmup_steps = 0;

  static void describe(Schema<Options>& schema);
};

/// DenseCL: MoCo v2, and beside it the same contrast between cells. The positive of a cell is the
/// cell of the other view whose backbone features are most similar; where the cells lie plays no
/// part.
class DenseCl final : public Method {
 public:
  /// Throws RecipeError where options, backbone and images do not fit each other.
  DenseCl(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  std::vector<ViewSpec> views() const override;
  StepResult step(Views& views, const StepInfo& info) override;
  void after_step(std::int64_t step, std::int64_t total) override;
  std::map<std::string, Embedding> embed(Views& views) override;
  void draw(Views& views, const std::filesystem::path& folder) override;

 private:
  Options options_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<networks::DenseMoco> moco_;
};

}  // namespace covector::densecl
