#pragma once

#include "covector/networks/blocks.h"
#include "covector/networks/heads.h"
#include "covector/networks/norms.h"

#include <torch/nn/module.h>

#include <memory>

namespace covector::swinunet {

/// How SwinUNet changes between grids. Maps are [N, H, W, C], channels last.
/// Source: H. Cao et al., Swin-Unet, ECCV Workshops 2022; parameters bear the names of its code.

/// A token for each patch of 4 x 4 pixels: a convolution that does not overlap, then LayerNorm.
/// Parameters: proj.*, norm.*.
class PatchEmbed final : public torch::nn::Module {
 public:
  static constexpr std::int64_t kPatch = 4;
  PatchEmbed(std::int64_t in, std::int64_t channels);
  /// @param image  [N, in, H, W]; gives [N, H / 4, W / 4, channels]
  at::Tensor forward(const at::Tensor& image) const;

 private:
  std::shared_ptr<networks::Conv> proj_;
  std::shared_ptr<networks::LayerNorm> norm_;
};

/// Half the size, twice the channels: the four tokens of each 2 x 2 cell side by side, LayerNorm, a
/// linear layer without bias. Parameters: reduction.*, norm.*.
class PatchMerging final : public torch::nn::Module {
 public:
  explicit PatchMerging(std::int64_t channels);
  at::Tensor forward(const at::Tensor& map) const;

 private:
  std::shared_ptr<networks::Linear> reduction_;
  std::shared_ptr<networks::LayerNorm> norm_;
};

/// `factor` times the size: a linear layer without bias whose output is dealt out to the cells of a
/// finer grid, then LayerNorm. Parameters: expand.*, norm.*.
class PatchExpand final : public torch::nn::Module {
 public:
  /// @param out  channels afterwards
  PatchExpand(std::int64_t in, std::int64_t out, std::int64_t factor);
  at::Tensor forward(const at::Tensor& map) const;

 private:
  std::int64_t factor_;
  std::shared_ptr<networks::Linear> expand_;
  std::shared_ptr<networks::LayerNorm> norm_;
};

}  // namespace covector::swinunet
