#pragma once

#include "covector/networks/global_features.h"
#include "covector/transforms/view_pair.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace covector::simsiam {

struct Options : transforms::ViewPairOptions {
  std::optional<std::int64_t> hidden;
  std::int64_t embedding = 2048;
  std::int64_t bottleneck = 512;
  std::string head_norm = "auto";

  static void describe(Schema<Options>& schema);
};

/// SimSiam: a predictor on the projection of one view guesses the projection of the other, into
/// which no gradient flows.
///
///   z = projector(h),  p = predictor(z),  D(p, z') = -cos(p, stopgrad z')
///   L = (mean D(p_1, z_2) + mean D(p_2, z_1)) / 2, in [-1, 1]
class SimSiam final : public Method {
 public:
  /// Throws RecipeError where options, backbone and batch do not fit each other.
  SimSiam(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  std::vector<ViewSpec> views() const override;
  StepResult step(Views& views, const StepInfo& info) override;
  Transfer transfers() const override { return Transfer::encoder; }
  std::map<std::string, Embedding> embed(Views& views) override;
  void draw(Views& views, const std::filesystem::path& folder) override;

  /// L of predictions and projections [n, embedding].
  static at::Tensor loss(const at::Tensor& p1, const at::Tensor& z2, const at::Tensor& p2,
                         const at::Tensor& z1);

 private:
  networks::GlobalFeatures features(View& view);

  Options options_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<networks::Head> projector_;
  std::shared_ptr<networks::Head> predictor_;
};

}  // namespace covector::simsiam
