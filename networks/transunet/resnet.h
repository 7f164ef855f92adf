#pragma once

#include "convolution.h"
#include "covector/networks/blocks.h"
#include "covector/networks/checkpointing.h"

#include <torch/nn/module.h>

#include <memory>
#include <vector>

namespace covector::transunet {

/// Bottleneck of three standardised convolutions (1, 3 and 1 wide), each with GroupNorm, added to
/// its input, then ReLU. Where stride or channels change, a 1x1 convolution with one group a
/// channel brings the input along.
class ResnetUnit final : public torch::nn::Module {
 public:
  /// @param width  channels between the outer convolutions; 4 * width leave the unit
  ResnetUnit(std::int64_t in, std::int64_t width, std::int64_t stride);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  std::shared_ptr<BiaslessConv> conv_[3];
  std::shared_ptr<networks::GroupNorm> norm_[3];
  std::shared_ptr<BiaslessConv> shortcut_;  // null where the input is added as it is
  std::shared_ptr<networks::GroupNorm> shortcut_norm_;
};

/// The convolutional part of the encoder: ResNet of three stages with standardised filters and
/// GroupNorm, as in BiT (A. Kolesnikov et al., Big Transfer, ECCV 2020).
class Resnet final : public torch::nn::Module {
 public:
  /// @param in     channels of the image
  /// @param width  of the first stage; a multiple of 32, the number of groups
  /// @param units  of each of the three stages
  /// @param checkpointing  of "encoder1", the first convolution, and "encoder2" to "encoder4"
  Resnet(std::int64_t in, std::int64_t width, const std::vector<std::int64_t>& units,
         networks::Checkpointing checkpointing);
  /// @param x  [N, in, H, W], sides multiples of 16
  /// @returns  coarsest first: 16 width at stride 16, then the skip connections of 8 width at
  ///           stride 8, 4 width at 4 (one pixel short, so zero at the bottom and right) and width
  ///           at 2
  std::vector<at::Tensor> forward(const at::Tensor& x) const;

 private:
  at::Tensor root(const at::Tensor& x) const;
  /// A stage of the three on the map before it.
  at::Tensor stage(std::size_t i, at::Tensor x) const;

  networks::Checkpointing checkpointing_;
  std::shared_ptr<BiaslessConv> root_;
  std::shared_ptr<networks::GroupNorm> root_norm_;
  std::vector<std::vector<std::shared_ptr<ResnetUnit>>> stages_;  // finest first
};

}  // namespace covector::transunet
