#pragma once

#include "covector/core/export.h"

#include <torch/nn/module.h>

namespace covector::networks {

/// Batch normalisation with a scale and a shift per channel, over any number of spatial axes; eps
/// 1e-5, running averages of momentum 0.1. Parameters and buffers bear PyTorch's names.
/// In training the statistics are the batch's, which also enter the running averages; in evaluation
/// they are the running averages.
/// Source: S. Ioffe, C. Szegedy, Batch Normalization, ICML 2015.
class COVECTOR_API BatchNorm : public torch::nn::Module {
 public:
  explicit BatchNorm(std::int64_t channels);
  ~BatchNorm() override;
  /// @param x  [N, C, ...]; throws std::invalid_argument in training when that is one value a
  /// channel,
  ///           which has no variance
  at::Tensor forward(const at::Tensor& x);

  at::Tensor weight;               // [C], starts at 1
  at::Tensor bias;                 // [C], starts at 0
  at::Tensor running_mean;         // [C], starts at 0
  at::Tensor running_var;          // [C], starts at 1
  at::Tensor num_batches_tracked;  // scalar, int64
};

/// Layer normalisation over the last axis with a scale and a shift per channel; starts at 1 and 0.
/// Source: J. L. Ba et al., Layer Normalization, arXiv 1607.06450.
class COVECTOR_API LayerNorm : public torch::nn::Module {
 public:
  explicit LayerNorm(std::int64_t channels, double eps = 1e-5);
  ~LayerNorm() override;
  /// @param x  [..., C]
  at::Tensor forward(const at::Tensor& x) const;

  at::Tensor weight;  // [C]
  at::Tensor bias;    // [C]

 private:
  double eps_;
};

}  // namespace covector::networks
