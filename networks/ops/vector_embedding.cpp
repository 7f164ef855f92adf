#include "ops/vector_embedding.h"

#include "covector/core/check.h"
#include "covector/networks/vector_embedding.h"

#include <torch/library.h>
#include <torch/types.h>

#include <stdexcept>
#include <string>

TORCH_LIBRARY_FRAGMENT(covector, library) {
  library.def(
      "vector_embedding(Tensor query, Tensor key, int radius, int groups)"
      " -> (Tensor vectors, Tensor peak, Tensor largest)");
  library.def(
      "vector_embedding_backward(Tensor grad, Tensor slope, Tensor query, Tensor key, Tensor peak,"
      " Tensor largest, int radius, int groups) -> (Tensor, Tensor)");
}

namespace covector::networks {
namespace ops {

Forward vector_embedding(const at::Tensor& query, const at::Tensor& key, std::int64_t radius,
                         std::int64_t groups) {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("covector::vector_embedding", "")
          .typed<Forward(const at::Tensor&, const at::Tensor&, std::int64_t, std::int64_t)>();
  return op.call(query, key, radius, groups);
}

Backward vector_embedding_backward(const at::Tensor& grad, const at::Tensor& slope,
                                   const at::Tensor& query, const at::Tensor& key,
                                   const at::Tensor& peak, const at::Tensor& largest,
                                   std::int64_t radius, std::int64_t groups) {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("covector::vector_embedding_backward", "")
          .typed<Backward(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                          const at::Tensor&, const at::Tensor&, const at::Tensor&, std::int64_t,
                          std::int64_t)>();
  return op.call(grad, slope, query, key, peak, largest, radius, groups);
}

}  // namespace ops

namespace {

void check(const at::Tensor& query, const at::Tensor& key, std::int64_t radius,
           std::int64_t groups) {
  if (query.dim() != 4 && query.dim() != 5)
    throw std::invalid_argument("query: expected [N, C, H, W] or [N, C, D, H, W], got " +
                                std::to_string(query.dim()) + " axes");
  check_shape("key", key, query.sizes());
  if (!query.is_floating_point() || !key.is_floating_point())
    throw std::invalid_argument("query and key: expected floating point");
  if (query.device() != key.device())
    throw std::invalid_argument("query is on " + query.device().str() + ", key on " +
                                key.device().str());
  if (radius < 1)
    throw std::invalid_argument("radius: expected at least 1, got " + std::to_string(radius));
  if (groups < 1 || query.size(1) % groups != 0)
    throw std::invalid_argument("groups: " + std::to_string(groups) + " does not divide the " +
                                std::to_string(query.size(1)) + " channels");
}

}  // namespace

VectorEmbedding vector_embedding_groups(const at::Tensor& query, const at::Tensor& key,
                                        std::int64_t radius, std::int64_t groups) {
  check(query, key, radius, groups);
  // A displacement of a hundred voxels and more needs the digits that 16 bits do not have.
  const auto wide = query.scalar_type() == torch::kFloat64 || key.scalar_type() == torch::kFloat64;
  const auto dtype = wide ? torch::kFloat64 : torch::kFloat32;
  const auto found = ops::vector_embedding(query.to(dtype).contiguous(), key.to(dtype).contiguous(),
                                           radius, groups);
  return {std::get<0>(found), std::get<2>(found)};
}

at::Tensor vector_embedding(const at::Tensor& query, const at::Tensor& key, std::int64_t radius,
                            std::int64_t groups) {
  const auto vectors = vector_embedding_groups(query, key, radius, groups).vectors;
  return groups == 1 ? vectors.squeeze(1) : vectors.mean(1);
}

}  // namespace covector::networks
