#pragma once

#include "covector/networks/checkpointing.h"
#include "covector/networks/norms.h"
#include "covector/networks/tokens.h"

#include "window_attention.h"

#include <torch/nn/module.h>

#include <memory>
#include <string>
#include <vector>

namespace covector::swinunet {

struct BlockShape {
  std::int64_t channels;
  std::int64_t heads;
  std::int64_t window;
  double mlp_ratio;
};

/// A Swin transformer block: x + attention in windows(norm1(x)), then x + mlp(norm2(x)); in
/// training each branch is left out at times (stochastic depth). Every second block shifts its
/// windows by half their side, so that tokens meet across the borders.
///
/// Maps of any size: zeros fill the grid up to whole windows at the bottom and the right, are
/// attended to like other tokens, and are cut off again. Without a second window to look into,
/// along either axis, nothing is shifted. Source: Z. Liu et al., Swin Transformer, ICCV 2021; the
/// filling as in its code for detection.
class Block final : public torch::nn::Module {
 public:
  /// @param drop_path  probability that a branch is left out
  Block(const BlockShape& shape, bool shifted, double drop_path);
  /// @param map  [N, H, W, channels]
  at::Tensor forward(const at::Tensor& map);

 private:
  at::Tensor attend(const at::Tensor& map);
  const at::Tensor& mask(const at::Tensor& map);

  std::int64_t window_;
  std::int64_t shift_;
  double drop_path_;
  at::Tensor mask_;  // of the size seen last
  std::vector<std::int64_t> mask_size_;
  std::shared_ptr<networks::LayerNorm> norm1_;
  std::shared_ptr<WindowAttention> attention_;
  std::shared_ptr<networks::LayerNorm> norm2_;
  std::shared_ptr<networks::Mlp> mlp_;
};

/// Blocks on one grid, every second one shifted. Parameters: blocks.{0, 1, ...}.*.
class Stage final : public torch::nn::Module {
 public:
  /// @param drop_path  one number a block
  /// @param name       of the stage, which is checkpointed block by block
  Stage(const BlockShape& shape, const std::vector<double>& drop_path, std::string name,
        networks::Checkpointing checkpointing);
  at::Tensor forward(const at::Tensor& map) const;

 private:
  std::string name_;
  networks::Checkpointing checkpointing_;
  std::vector<std::shared_ptr<Block>> blocks_;
};

}  // namespace covector::swinunet
