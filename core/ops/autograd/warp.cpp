#include "ops/warp.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>
#include <torch/types.h>

#include <stdexcept>

namespace covector::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct WarpFunction : torch::autograd::Function<WarpFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& image,
                            const at::Tensor& positions, const Reading& reading) {
    const at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({image, positions});
    context->saved_data["displaced"] = reading.displaced;
    context->saved_data["nearest"] = reading.interpolation == Interpolation::nearest;
    context->saved_data["released"] = reading.convention == GridConvention::released;
    return warp(image, positions, reading);
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    if (at::GradMode::is_enabled())
      throw std::logic_error("warp has no second derivative: create_graph must be false");
    const auto saved = context->get_saved_variables();
    const bool nearest = context->saved_data["nearest"].toBool();
    const Reading reading{context->saved_data["displaced"].toBool(),
                          nearest ? Interpolation::nearest : Interpolation::linear,
                          context->saved_data["released"].toBool() ? GridConvention::released
                                                                   : GridConvention::paper};
    at::Tensor image;
    at::Tensor positions;
    if (context->needs_input_grad(0))
      image = warp_image_gradient(grads[0], saved[0], saved[1], reading);
    if (context->needs_input_grad(1))  // the nearest voxel stays the nearest
      positions = nearest ? at::zeros_like(saved[1])
                          : warp_position_gradient(grads[0], saved[0], saved[1], reading);
    return {image, positions, {}};
  }
};

at::Tensor with_gradient(const at::Tensor& image, const at::Tensor& positions,
                         const Reading& reading) {
  return WarpFunction::apply(image, positions, reading);
}

}  // namespace
}  // namespace covector::ops

TORCH_LIBRARY_IMPL(covector, Autograd, library) {
  namespace ops = covector::ops;
  library.impl("warp", &ops::unpacked<&ops::with_gradient>);
}
