#pragma once

#include "covector/networks/heads.h"

#include <torch/nn/module.h>

#include <memory>

namespace covector::networks {

/// What transformers are made of. Tokens keep their channels on the last axis: [..., C].

/// A fully connected layer on tokens [..., in]. (On maps Linear takes axis 1 for the channels.)
COVECTOR_API at::Tensor on_tokens(const Linear& layer, const at::Tensor& tokens);

/// The feed-forward part of a transformer block: fc1, exact (erf) GELU, dropout, fc2, dropout.
class COVECTOR_API Mlp : public torch::nn::Module {
 public:
  /// @param dropout  probability, in training, that a value is left out
  Mlp(std::int64_t channels, std::int64_t hidden, double dropout = 0);
  ~Mlp() override;
  /// @param tokens  [..., channels]
  at::Tensor forward(const at::Tensor& tokens) const;

 private:
  double dropout_;
  std::shared_ptr<Linear> fc1_;
  std::shared_ptr<Linear> fc2_;
};

/// Stochastic depth: in training leaves a residual branch out for each sample with probability
/// `rate`, and divides what is kept by 1 - rate; else the branch itself.
/// @param branch  [N, ...]
/// Source: G. Huang et al., Deep Networks with Stochastic Depth, ECCV 2016.
COVECTOR_API at::Tensor drop_path(const at::Tensor& branch, double rate, bool training);

}  // namespace covector::networks
