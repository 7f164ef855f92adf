#pragma once

#include <torch/nn/module.h>

namespace covector::transunet {

/// How a convolution uses its filters.
///   plain:        as they are.
///   standardized: each with mean 0 and variance 1 over its numbers, (w - mean) / sqrt(var + 1e-5),
///                 which the gradient goes through. Source: S. Qiao et al., Weight Standardization,
///                 arXiv 1903.10520.
enum class Filters { plain, standardized };

/// Convolution over two axes without a bias; zero padding of half the kernel. Starts uniform in
/// +-1 / sqrt(fan_in), as PyTorch's does.
class BiaslessConv final : public torch::nn::Module {
 public:
  /// @param kernel  odd side of the kernel
  BiaslessConv(std::int64_t in, std::int64_t out, std::int64_t kernel, Filters filters,
               std::int64_t stride = 1);
  /// @param x  [N, in, H, W]
  at::Tensor forward(const at::Tensor& x) const;

  at::Tensor weight;  // [out, in, kernel, kernel]

 private:
  Filters filters_;
  std::int64_t stride_;
};

}  // namespace covector::transunet
