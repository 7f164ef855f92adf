#pragma once

#include <torch/types.h>

namespace covector::losses {

/// Cosine of the angle between a and b along `axis`, which is kept with length 1; each norm is kept
/// above 1e-12. The norms divide the product rather than the vectors, which saves two normalised
/// copies.
inline at::Tensor cosine(const at::Tensor& a, const at::Tensor& b, std::int64_t axis) {
  constexpr double kEpsilon = 1e-12;
  const auto length = [&](const at::Tensor& x) {
    return x.norm(2, {axis}, true).clamp_min(kEpsilon);
  };
  return (a * b).sum(axis, true) / length(a) / length(b);
}

}  // namespace covector::losses
