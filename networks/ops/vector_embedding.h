#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

#include <tuple>

/// The operators behind the vector embedding unit. All tensors are contiguous and of one dtype,
/// float32 or float64; shapes have been checked.
namespace covector::networks::ops {

/// Logit of a neighbour outside the grid.
inline constexpr double kOutsideLogit = -1000;

/// (vectors, peak, largest): expected offsets [N, groups, d, *size], largest logit and largest
/// weight [N, groups, *size]. A weight is exp(logit - peak) * largest.
using Forward = std::tuple<at::Tensor, at::Tensor, at::Tensor>;
/// Gradients of query and key.
using Backward = std::tuple<at::Tensor, at::Tensor>;

/// Through the dispatcher, as covector::vector_embedding.
COVECTOR_API Forward vector_embedding(const at::Tensor& query, const at::Tensor& key,
                                      std::int64_t radius, std::int64_t groups);
/// Through the dispatcher, as covector::vector_embedding_backward. `slope` [N, groups, *size] is
/// <grad(p), v(p)>, `grad` the gradient of the vectors.
COVECTOR_API Backward vector_embedding_backward(const at::Tensor& grad, const at::Tensor& slope,
                                                const at::Tensor& query, const at::Tensor& key,
                                                const at::Tensor& peak, const at::Tensor& largest,
                                                std::int64_t radius, std::int64_t groups);

/// The obvious implementation, in tensor operations: any device, and what the others are tested
/// against. One offset at a time, so that no tensor holds positions x neighbourhood.
namespace reference {
COVECTOR_API Forward vector_embedding(const at::Tensor& query, const at::Tensor& key,
                                      std::int64_t radius, std::int64_t groups);
COVECTOR_API Backward vector_embedding_backward(const at::Tensor& grad, const at::Tensor& slope,
                                                const at::Tensor& query, const at::Tensor& key,
                                                const at::Tensor& peak, const at::Tensor& largest,
                                                std::int64_t radius, std::int64_t groups);
}  // namespace reference

}  // namespace covector::networks::ops
