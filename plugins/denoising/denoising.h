#pragma once

#include "covector/core/method.h"
#include "covector/networks/blocks.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace covector::denoising {

struct Options {
  std::vector<std::int64_t> crop{384};
  std::string noise = "gaussian";
  std::vector<double> std = {0.05, 0.2};
  std::optional<double> fraction;
  std::string loss = "mse";
  std::vector<double> emphasis = {1.0, 1.0};

  static void describe(Schema<Options>& schema);
};

/// Denoising: the network regresses the clean image x from a noisy copy of it.
///
///   y = output(finest map of the noisy view),   L = mean over all voxels of w (y - x)^2
///
/// with weight w = emphasis[0] where a voxel was overwritten and emphasis[1] elsewhere, or with the
/// cross-entropy of sigmoid(y) in place of the square.
class Denoising final : public Method {
 public:
  /// Throws RecipeError where options, backbone and images do not fit each other.
  Denoising(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput& input);

  std::vector<ViewSpec> views() const override;
  StepResult step(Views& views, const StepInfo& info) override;
  void draw(Views& views, const std::filesystem::path& folder) override;

 private:
  Parts damage() const;
  at::Tensor loss(const at::Tensor& output, const at::Tensor& clean,
                  const at::Tensor& overwritten) const;
  /// What the output layer says is an image, or its logits with the cross-entropy.
  at::Tensor image_of(const at::Tensor& output) const;

  Options options_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<networks::Conv> output_;
};

}  // namespace covector::denoising
