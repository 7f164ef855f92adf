#pragma once

#include <ATen/core/Tensor.h>

namespace covector::losses {

/// The tensor in the type that sums over it are taken in: half precision becomes float32.
inline at::Tensor accumulated(const at::Tensor& tensor) {
  const auto type = tensor.scalar_type();
  return type == at::kHalf || type == at::kBFloat16 ? tensor.to(at::kFloat) : tensor;
}

/// The shape of a map with one channel on the grid of `tensor`: [N, 1, *size].
inline std::vector<std::int64_t> one_channel(const at::Tensor& tensor) {
  auto shape = tensor.sizes().vec();
  if (shape.size() > 1) shape[1] = 1;
  return shape;
}

}  // namespace covector::losses
