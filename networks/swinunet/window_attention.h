#pragma once

#include "covector/networks/heads.h"

#include <torch/nn/module.h>

#include <memory>

namespace covector::swinunet {

/// Cuts a map [N, H, W, C] into windows [N n, window^2, C], n = H W / window^2 a map, row by row; H
/// and W are multiples of `window`.
at::Tensor windows_of(const at::Tensor& map, std::int64_t window);
/// The way back.
at::Tensor map_of(const at::Tensor& windows, std::int64_t window, std::int64_t height,
                  std::int64_t width);

/// For each query i and key j of a window, the row of the table of relative positions,
/// (y_i - y_j + w - 1)(2 w - 1) + x_i - x_j + w - 1: [window^2, window^2], int64.
at::Tensor relative_positions(std::int64_t window);

/// What is added to the scores in a map that was rolled by -shift: -100 for two tokens that were
/// not neighbours before, else 0. The regions are cut at [0, -window), [-window, -shift),
/// [-shift, end) along both axes.
/// @returns  [H W / window^2, window^2, window^2] with the device and dtype of `options`
at::Tensor shift_mask(std::int64_t height, std::int64_t width, std::int64_t window,
                      std::int64_t shift, const at::TensorOptions& options);

/// Multi-head self-attention inside windows, with a learned bias for each relative position:
///
///   softmax(q k^T / sqrt(d) + B + mask) v
///
/// Parameters: relative_position_bias_table [(2 window - 1)^2, heads], qkv.* (queries, keys, values
/// in this order, each head by head), proj.*.
/// Source: Z. Liu et al., Swin Transformer, ICCV 2021.
class WindowAttention final : public torch::nn::Module {
 public:
  /// @param heads  divides channels
  WindowAttention(std::int64_t channels, std::int64_t heads, std::int64_t window);
  /// @param windows  [N n, window^2, channels]
  /// @param mask     [n, window^2, window^2], or undefined for none
  at::Tensor forward(const at::Tensor& windows, const at::Tensor& mask);

  at::Tensor relative_position_bias_table;

 private:
  /// [heads, window^2, window^2]
  at::Tensor bias();

  std::int64_t heads_;
  at::Tensor positions_;  // no buffer: it holds nothing that a run could change
  std::shared_ptr<networks::Linear> qkv_;
  std::shared_ptr<networks::Linear> proj_;
};

}  // namespace covector::swinunet
