#include "ops/vector_embedding.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>
#include <torch/types.h>

namespace covector::networks::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct VectorEmbeddingFunction : torch::autograd::Function<VectorEmbeddingFunction> {
  static variable_list forward(AutogradContext* context, const at::Tensor& query,
                               const at::Tensor& key, std::int64_t radius, std::int64_t groups) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const auto [vectors, peak, largest] = vector_embedding(query, key, radius, groups);
    context->save_for_backward({query, key, vectors, peak, largest});
    context->mark_non_differentiable({peak, largest});
    context->saved_data["radius"] = radius;
    context->saved_data["groups"] = groups;
    return {vectors, peak, largest};
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto saved = context->get_saved_variables();
    const auto grad = grads[0].contiguous();
    const auto slope = (grad * saved[2]).sum(2);
    const auto [grad_query, grad_key] = vector_embedding_backward(
        grad, slope, saved[0], saved[1], saved[3], saved[4], context->saved_data["radius"].toInt(),
        context->saved_data["groups"].toInt());
    return {grad_query, grad_key, {}, {}};
  }
};

Forward with_gradient(const at::Tensor& query, const at::Tensor& key, std::int64_t radius,
                      std::int64_t groups) {
  const auto found = VectorEmbeddingFunction::apply(query, key, radius, groups);
  return {found[0], found[1], found[2]};
}

}  // namespace
}  // namespace covector::networks::ops

TORCH_LIBRARY_IMPL(covector, Autograd, library) {
  library.impl("vector_embedding", &covector::networks::ops::with_gradient);
}
