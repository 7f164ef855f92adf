#pragma once

#include "ops/vector_embedding.h"
#include "ops/vector_embedding_calls.h"

#include <torch/types.h>

namespace covector::networks::ops {

/// The operators by the kernels of a device: Device::run(call) does a call of either kind.
template <class Device>
struct VectorEmbeddingBinding {
  static Grid grid_of(const at::Tensor& x, std::int64_t radius, std::int64_t groups) {
    const auto axes = x.dim() - 2;
    return {x.size(0),  groups, x.size(1) / groups, axes, axes == 3 ? x.size(2) : 1, x.size(-2),
            x.size(-1), radius};
  }

  static Forward forward(const at::Tensor& query, const at::Tensor& key, std::int64_t radius,
                         std::int64_t groups) {
    const auto grid = grid_of(query, radius, groups);
    auto shape = query.sizes().vec();
    shape[1] = groups;
    const auto peak = at::empty(shape, query.options());
    const auto largest = at::empty(shape, query.options());
    shape.insert(shape.begin() + 2, grid.axes);
    const auto vectors = at::empty(shape, query.options());
    AT_DISPATCH_FLOATING_TYPES(query.scalar_type(), "vector_embedding", [&] {
      const ForwardCall<scalar_t> call{grid,
                                       query.const_data_ptr<scalar_t>(),
                                       key.const_data_ptr<scalar_t>(),
                                       vectors.data_ptr<scalar_t>(),
                                       peak.data_ptr<scalar_t>(),
                                       largest.data_ptr<scalar_t>()};
      Device::run(call);
    });
    return {vectors, peak, largest};
  }

  static Backward backward(const at::Tensor& grad, const at::Tensor& slope, const at::Tensor& query,
                           const at::Tensor& key, const at::Tensor& peak, const at::Tensor& largest,
                           std::int64_t radius, std::int64_t groups) {
    const auto grid = grid_of(query, radius, groups);
    const auto grad_query = at::empty_like(query);
    const auto grad_key = at::empty_like(key);
    AT_DISPATCH_FLOATING_TYPES(query.scalar_type(), "vector_embedding_backward", [&] {
      const BackwardCall<scalar_t> call{grid,
                                        grad.const_data_ptr<scalar_t>(),
                                        slope.const_data_ptr<scalar_t>(),
                                        query.const_data_ptr<scalar_t>(),
                                        key.const_data_ptr<scalar_t>(),
                                        peak.const_data_ptr<scalar_t>(),
                                        largest.const_data_ptr<scalar_t>(),
                                        grad_query.data_ptr<scalar_t>(),
                                        grad_key.data_ptr<scalar_t>()};
      Device::run(call);
    });
    return {grad_query, grad_key};
  }
};

}  // namespace covector::networks::ops
