#include "ops/linear_resize.h"

#include <torch/library.h>
#include <torch/types.h>

TORCH_LIBRARY_FRAGMENT(covector, library) {
  library.def("linear_resize(Tensor input, int[] size, bool align_corners) -> Tensor");
  library.def("linear_resize_backward(Tensor grad, int[] size, bool align_corners) -> Tensor");
}

namespace covector::networks::ops {
namespace {

using Resize = at::Tensor(const at::Tensor&, at::IntArrayRef, bool);

}  // namespace

at::Tensor linear_resize(const at::Tensor& input, at::IntArrayRef size, bool align_corners) {
  static const auto op =
      c10::Dispatcher::singleton().findSchemaOrThrow("covector::linear_resize", "").typed<Resize>();
  return op.call(input, size, align_corners);
}

at::Tensor linear_resize_backward(const at::Tensor& grad, at::IntArrayRef size,
                                  bool align_corners) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("covector::linear_resize_backward", "")
                             .typed<Resize>();
  return op.call(grad, size, align_corners);
}

}  // namespace covector::networks::ops
