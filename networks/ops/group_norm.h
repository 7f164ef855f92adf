#pragma once

#include "covector/core/export.h"
#include "kernels/dtype.h"

#include <ATen/core/Tensor.h>

#include <tuple>

/// The operators behind group normalisation. Shapes have been checked.
namespace covector::networks::ops {

/// (out, mean, rstd): the last two [N, groups], in the dtype that is computed in.
using NormForward = std::tuple<at::Tensor, at::Tensor, at::Tensor>;
/// Gradients of input, weight and bias.
using NormBackward = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

/// Through the dispatcher, as covector::group_norm.
COVECTOR_API NormForward group_norm(const at::Tensor& input, const at::Tensor& weight,
                                    const at::Tensor& bias, std::int64_t groups, double eps,
                                    double slope);
/// Through the dispatcher, as covector::group_norm_backward. `grad` is that of out.
COVECTOR_API NormBackward group_norm_backward(const at::Tensor& grad, const at::Tensor& input,
                                              const at::Tensor& weight, const at::Tensor& bias,
                                              const at::Tensor& mean, const at::Tensor& rstd,
                                              std::int64_t groups, double slope);

using kernels::computed_in;

/// The tensor as one of the two layouts that the kernels know.
at::Tensor dense(const at::Tensor& x);

/// By LibTorch's operators: any device and dtype.
namespace reference {
COVECTOR_API NormForward group_norm(const at::Tensor& input, const at::Tensor& weight,
                                    const at::Tensor& bias, std::int64_t groups, double eps,
                                    double slope);
COVECTOR_API NormBackward group_norm_backward(const at::Tensor& grad, const at::Tensor& input,
                                              const at::Tensor& weight, const at::Tensor& bias,
                                              const at::Tensor& mean, const at::Tensor& rstd,
                                              std::int64_t groups, double slope);
}  // namespace reference

}  // namespace covector::networks::ops
