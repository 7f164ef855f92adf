#include "ops/linear_resize.h"

#include <torch/library.h>
#include <torch/types.h>

namespace covector::networks::ops::reference {

at::Tensor linear_resize(const at::Tensor& input, at::IntArrayRef size, bool align_corners) {
  return input.dim() == 4 ? at::upsample_bilinear2d(input, size, align_corners)
                          : at::upsample_trilinear3d(input, size, align_corners);
}

at::Tensor linear_resize_backward(const at::Tensor& grad, at::IntArrayRef size,
                                  bool align_corners) {
  std::vector<std::int64_t> shape{grad.size(0), grad.size(1)};
  shape.insert(shape.end(), size.begin(), size.end());
  const auto from = grad.sizes().slice(2);
  return grad.dim() == 4 ? at::upsample_bilinear2d_backward(grad, from, shape, align_corners)
                         : at::upsample_trilinear3d_backward(grad, from, shape, align_corners);
}

}  // namespace covector::networks::ops::reference

// For every device without a kernel of its own.
TORCH_LIBRARY_IMPL(covector, CompositeExplicitAutograd, library) {
  namespace reference = covector::networks::ops::reference;
  library.impl("linear_resize", &reference::linear_resize);
  library.impl("linear_resize_backward", &reference::linear_resize_backward);
}
