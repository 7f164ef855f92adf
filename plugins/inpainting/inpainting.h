#pragma once

#include "covector/core/method.h"
#include "covector/networks/blocks.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace covector::inpainting {

struct Options {
  std::vector<std::int64_t> crop{384};
  std::string mask = "blocks";
  std::vector<double> coverage = {0.2, 0.3};
  std::vector<double> side;
  std::optional<std::string> fill;
  double fill_value = 0.0;
  std::optional<std::string> loss;
  double outside_weight = 1.0;
  std::string error = "squared";

  static void describe(Schema<Options>& schema);
};

/// In-painting: boxes of the image x are overwritten (M = 1) and the network predicts what was
/// there from what is around.
///
///   y = output(finest map of the damaged view)
///   masked: L = sum M (y - x)^2 / sum M, one quotient for the batch
///   full:   L = mean over all voxels of (M + w (1 - M)) (y - x)^2
class Inpainting final : public Method {
 public:
  /// Throws RecipeError where options, backbone and images do not fit each other.
  Inpainting(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  std::vector<ViewSpec> views() const override;
  StepResult step(Views& views, const StepInfo& info) override;
  void draw(Views& views, const std::filesystem::path& folder) override;

 private:
  Parts damage() const;
  at::Tensor loss(const at::Tensor& restored, const at::Tensor& clean,
                  const at::Tensor& mask) const;
  at::Tensor restore(const at::Tensor& damaged);

  Options options_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<networks::Conv> output_;
};

}  // namespace covector::inpainting
