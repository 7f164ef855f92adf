#include "ops/group_norm.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>
#include <torch/types.h>

#include <stdexcept>

namespace covector::networks::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct GroupNormFunction : torch::autograd::Function<GroupNormFunction> {
  static variable_list forward(AutogradContext* context, const at::Tensor& input,
                               const at::Tensor& weight, const at::Tensor& bias,
                               std::int64_t groups, double eps, double slope) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const auto [out, mean, rstd] = group_norm(input, weight, bias, groups, eps, slope);
    context->save_for_backward({input, weight, bias, mean, rstd});
    context->mark_non_differentiable({mean, rstd});
    context->saved_data["groups"] = groups;
    context->saved_data["slope"] = slope;
    return {out, mean, rstd};
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    if (at::GradMode::is_enabled())
      throw std::logic_error("group_norm has no second derivative: create_graph must be false");
    const auto saved = context->get_saved_variables();
    const auto [input, weight, bias] = group_norm_backward(
        grads[0], saved[0], saved[1], saved[2], saved[3], saved[4],
        context->saved_data["groups"].toInt(), context->saved_data["slope"].toDouble());
    return {input, weight, bias, {}, {}, {}};
  }
};

NormForward with_gradient(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                          std::int64_t groups, double eps, double slope) {
  const auto found = GroupNormFunction::apply(input, weight, bias, groups, eps, slope);
  return {found[0], found[1], found[2]};
}

}  // namespace
}  // namespace covector::networks::ops

TORCH_LIBRARY_IMPL(covector, Autograd, library) {
  library.impl("group_norm", &covector::networks::ops::with_gradient);
}
