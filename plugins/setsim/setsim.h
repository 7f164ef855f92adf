#pragma once

#include "covector/core/method.h"
#include "covector/networks/dense_moco.h"

#include <memory>
#include <vector>

namespace covector::setsim {

struct Options : networks::DenseMocoOptions {
  double dense_weight = 0.5;
  double attention = 0.7;
  double similarity = 0.2;
  double geometry = 0.5;
  bool nearest = false;

  static void describe(Schema<Options>& schema);
};

/// SetSim: DenseCL in which a cell has a set of positives. Cells that stand out in one view are
/// positives of those that stand out in the other when they are similar enough, and so are cells
/// that lie at the same place.
class SetSim final : public Method {
 public:
  /// Throws RecipeError where options, backbone and images do not fit each other.
  SetSim(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  std::vector<ViewSpec> views() const override;
  StepResult step(Views& views, const StepInfo& info) override;
  void after_step(std::int64_t step, std::int64_t total) override;
  std::map<std::string, Embedding> embed(Views& views) override;
  void draw(Views& views, const std::filesystem::path& folder) override;

 private:
  /// M of two views: [N, cells^d, cells^d] boolean.
  at::Tensor positives_of(const Views& views, const networks::DenseMoco::Features& query,
                          const networks::DenseMoco::Features& key) const;

  Options options_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<networks::DenseMoco> moco_;
};

}  // namespace covector::setsim
