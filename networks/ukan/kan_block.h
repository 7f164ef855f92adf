#pragma once

#include "covector/networks/kan.h"
#include "covector/networks/norms.h"

#include <torch/nn/module.h>

#include <memory>

namespace covector::ukan {

/// Maps [N, C, H, W] as tokens [N, H, W, C] and back: views, nothing is copied.
at::Tensor to_tokens(const at::Tensor& map);
at::Tensor to_map(const at::Tensor& tokens);

/// 3-wide convolution; weights start normal with variance 2 / fan_out, the bias at 0.
class FanOutConv final : public torch::nn::Module {
 public:
  FanOutConv(std::int64_t in, std::int64_t out, std::int64_t stride, std::int64_t groups);
  /// @param x  [N, in, H, W]
  at::Tensor forward(const at::Tensor& x) const;

  at::Tensor weight;  // [out, in / groups, 3, 3]
  at::Tensor bias;    // [out]

 private:
  std::int64_t stride_;
  std::int64_t groups_;
};

/// A map of half the sides, normalised: convolution of stride 2, LayerNorm over the channels.
class PatchEmbed final : public torch::nn::Module {
 public:
  PatchEmbed(std::int64_t in, std::int64_t out);
  /// @param map  [N, in, H, W]
  /// @returns    tokens [N, H / 2, W / 2, out]
  at::Tensor forward(const at::Tensor& map) const;

 private:
  std::shared_ptr<FanOutConv> proj_;
  std::shared_ptr<networks::LayerNorm> norm_;
};

/// What follows each KAN layer: a convolution a channel, BatchNorm, ReLU.
class DepthwiseBlock final : public torch::nn::Module {
 public:
  explicit DepthwiseBlock(std::int64_t channels);
  /// @param tokens  [N, H, W, channels]
  at::Tensor forward(const at::Tensor& tokens) const;

 private:
  std::shared_ptr<FanOutConv> conv_;
  std::shared_ptr<networks::BatchNorm> norm_;
};

/// Tokenised KAN block, x + layer(LN(x)); the layer is three times a KAN layer and a
/// DepthwiseBlock.
class KanBlock final : public torch::nn::Module {
 public:
  explicit KanBlock(std::int64_t channels);
  /// @param tokens  [N, H, W, channels]
  at::Tensor forward(const at::Tensor& tokens) const;

 private:
  std::shared_ptr<networks::LayerNorm> norm_;
  std::shared_ptr<networks::KanLinear> linear_[3];
  std::shared_ptr<DepthwiseBlock> depthwise_[3];
};

}  // namespace covector::ukan
