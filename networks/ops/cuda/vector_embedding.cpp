#include "ops/cuda/vector_embedding_kernel.h"
#include "ops/vector_embedding_binding.h"

#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

namespace covector::networks::ops::cuda {
namespace {

struct Cuda {
  template <class Call>
  static void run(const Call& call) {
    C10_CUDA_CHECK(start(call, c10::cuda::getCurrentCUDAStream()));
  }
};

using Binding = VectorEmbeddingBinding<Cuda>;

Forward vector_embedding(const at::Tensor& query, const at::Tensor& key, std::int64_t radius,
                         std::int64_t groups) {
  const c10::cuda::CUDAGuard device(query.device());
  return Binding::forward(query, key, radius, groups);
}

Backward vector_embedding_backward(const at::Tensor& grad, const at::Tensor& slope,
                                   const at::Tensor& query, const at::Tensor& key,
                                   const at::Tensor& peak, const at::Tensor& largest,
                                   std::int64_t radius, std::int64_t groups) {
  const c10::cuda::CUDAGuard device(query.device());
  return Binding::backward(grad, slope, query, key, peak, largest, radius, groups);
}

}  // namespace
}  // namespace covector::networks::ops::cuda

TORCH_LIBRARY_IMPL(covector, CUDA, library) {
  namespace cuda = covector::networks::ops::cuda;
  library.impl("vector_embedding", &cuda::vector_embedding);
  library.impl("vector_embedding_backward", &cuda::vector_embedding_backward);
}
