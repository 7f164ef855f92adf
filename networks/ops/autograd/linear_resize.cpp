#include "ops/linear_resize.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>
#include <torch/types.h>

namespace covector::networks::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Linear both ways, so that each direction is the gradient of the other.
struct LinearResizeFunction : torch::autograd::Function<LinearResizeFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, at::IntArrayRef size,
                            bool align_corners) {
    const at::AutoDispatchBelowADInplaceOrView below;
    context->saved_data["size"] = input.sizes().slice(2).vec();
    context->saved_data["align_corners"] = align_corners;
    return linear_resize(input, size, align_corners);
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    return {linear_resize_backward(grads[0], context->saved_data["size"].toIntVector(),
                                   context->saved_data["align_corners"].toBool()),
            {},
            {}};
  }
};

struct LinearResizeBackwardFunction : torch::autograd::Function<LinearResizeBackwardFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& grad, at::IntArrayRef size,
                            bool align_corners) {
    const at::AutoDispatchBelowADInplaceOrView below;
    context->saved_data["size"] = grad.sizes().slice(2).vec();
    context->saved_data["align_corners"] = align_corners;
    return linear_resize_backward(grad, size, align_corners);
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    return {linear_resize(grads[0], context->saved_data["size"].toIntVector(),
                          context->saved_data["align_corners"].toBool()),
            {},
            {}};
  }
};

at::Tensor resize_with_gradient(const at::Tensor& input, at::IntArrayRef size, bool align_corners) {
  return LinearResizeFunction::apply(input, size, align_corners);
}

at::Tensor backward_with_gradient(const at::Tensor& grad, at::IntArrayRef size,
                                  bool align_corners) {
  return LinearResizeBackwardFunction::apply(grad, size, align_corners);
}

}  // namespace
}  // namespace covector::networks::ops

TORCH_LIBRARY_IMPL(covector, Autograd, library) {
  library.impl("linear_resize", &covector::networks::ops::resize_with_gradient);
  library.impl("linear_resize_backward", &covector::networks::ops::backward_with_gradient);
}
