#pragma once

#include "covector/networks/global_features.h"
#include "covector/transforms/view_pair.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace covector::byol {

struct Options : transforms::ViewPairOptions {
  double solarise = 0.0;
  std::int64_t hidden = 4096;
  std::int64_t embedding = 256;
  double momentum = 0.996;
  std::string head_norm = "auto";

  static void describe(Schema<Options>& schema);
};

/// BYOL: online network and predictor guess what a slowly moving copy of the network, the target,
/// says about the other view.
///
///   z = projector(h),  q = predictor(z),  t = target's z without gradient
///   L = mean over samples of |q_1 - t_2|^2 + |q_2 - t_1|^2 of unit vectors, in [0, 8]
class Byol final : public Method {
 public:
  /// Throws RecipeError where options, backbone and batch do not fit each other.
  Byol(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  std::vector<ViewSpec> views() const override;
  StepResult step(Views& views, const StepInfo& info) override;
  void after_step(std::int64_t step, std::int64_t total) override;
  Transfer transfers() const override { return Transfer::encoder; }
  /// "h" and "z" of the online network, "z_target" of the target.
  std::map<std::string, Embedding> embed(Views& views) override;
  void draw(Views& views, const std::filesystem::path& folder) override;

  /// L of predictions and targets [n, embedding].
  static at::Tensor loss(const at::Tensor& q1, const at::Tensor& t2, const at::Tensor& q2,
                         const at::Tensor& t1);

 private:
  networks::GlobalFeatures online(View& view);
  networks::GlobalFeatures target(View& view);

  Options options_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<networks::Head> projector_;
  std::shared_ptr<networks::Head> predictor_;
  std::shared_ptr<Backbone> target_backbone_;
  std::shared_ptr<networks::Head> target_projector_;
};

}  // namespace covector::byol
