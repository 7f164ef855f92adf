#include "ops/vector_embedding.h"

#include "kernels/capability.h"
#include "ops/cpu/vector_embedding_kernel.h"

#include <ATen/Parallel.h>
#include <torch/library.h>
#include <torch/types.h>

#include <vector>

namespace covector::networks::ops::cpu {

using kernels::chosen;
namespace {

const VectorEmbeddingKernel& kernel() {
#ifdef COVECTOR_X86
  return chosen(kVectorEmbeddingDefault, kVectorEmbeddingAvx2, kVectorEmbeddingAvx512);
#else
  return kVectorEmbeddingDefault;
#endif
}

template <class T>
const Loops<T>& loops() {
  if constexpr (std::is_same_v<T, float>)
    return kernel().f32;
  else
    return kernel().f64;
}

Grid grid_of(const at::Tensor& x, std::int64_t radius, std::int64_t groups) {
  const auto axes = x.dim() - 2;
  return {x.size(0),  groups, x.size(1) / groups, axes, axes == 3 ? x.size(2) : 1, x.size(-2),
          x.size(-1), radius};
}

// Runs `rows` on the rows of a grid, in parallel, each thread with `scratch` numbers of its own.
template <class T, class Call>
void run(void (*rows)(const Call&, std::int64_t, std::int64_t, T*), const Call& call,
         std::int64_t scratch) {
  const auto& grid = call.grid;
  const auto count = grid.batch * grid.groups * grid.depth * grid.height;
  at::parallel_for(0, count, 4, [&](std::int64_t begin, std::int64_t end) {
    std::vector<T> own(scratch);
    rows(call, begin, end, own.data());
  });
}

Forward vector_embedding(const at::Tensor& query, const at::Tensor& key, std::int64_t radius,
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
    run<scalar_t>(loops<scalar_t>().forward, call, forward_scratch(grid));
  });
  return {vectors, peak, largest};
}

Backward vector_embedding_backward(const at::Tensor& grad, const at::Tensor& slope,
                                   const at::Tensor& query, const at::Tensor& key,
                                   const at::Tensor& peak, const at::Tensor& largest,
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
    run<scalar_t>(loops<scalar_t>().backward, call, backward_scratch(grid));
  });
  return {grad_query, grad_key};
}

}  // namespace
}  // namespace covector::networks::ops::cpu

TORCH_LIBRARY_IMPL(covector, CPU, library) {
  namespace cpu = covector::networks::ops::cpu;
  library.impl("vector_embedding", &cpu::vector_embedding);
  library.impl("vector_embedding_backward", &cpu::vector_embedding_backward);
}
