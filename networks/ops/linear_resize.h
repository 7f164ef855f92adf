#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

/// The operators behind linear interpolation onto another grid. Shapes have been checked.
namespace covector::networks::ops {

/// Through the dispatcher, as covector::linear_resize: [N, C, *] to [N, C, *size], linear along
/// each axis. align_corners: corner centres stay in place; else corner edges do.
COVECTOR_API at::Tensor linear_resize(const at::Tensor& input, at::IntArrayRef size,
                                      bool align_corners);
/// Through the dispatcher, as covector::linear_resize_backward: the transposed map, from the
/// gradient of the result to that of an input of the given size.
COVECTOR_API at::Tensor linear_resize_backward(const at::Tensor& grad, at::IntArrayRef size,
                                               bool align_corners);

/// By LibTorch's operators: any device and dtype.
namespace reference {
COVECTOR_API at::Tensor linear_resize(const at::Tensor& input, at::IntArrayRef size,
                                      bool align_corners);
COVECTOR_API at::Tensor linear_resize_backward(const at::Tensor& grad, at::IntArrayRef size,
                                               bool align_corners);
}  // namespace reference

}  // namespace covector::networks::ops
