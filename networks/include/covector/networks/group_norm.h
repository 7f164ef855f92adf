#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

namespace covector::networks {

/// Group normalisation and a piecewise linear activation in one pass. With mu and s^2 the mean and
/// the (biased) variance over the voxels and channels of a group of a sample,
///
///   y = weight (x - mu) / sqrt(s^2 + eps) + bias
///   result = y where y > 0, else slope y
///
/// Computed in float64 for float64, else in float32; the result has the dtype and the layout of x,
/// also under autocast. For backward x, mu and 1 / sqrt(s^2 + eps) are kept, so x must not be
/// changed in place. Repeats bit for bit at any number of threads. There is no second derivative.
///
/// On CPUs float64, float32 and bfloat16 have loops of our own for contiguous and channels-last
/// maps (others are made contiguous); every other dtype and device takes LibTorch's group
/// normalisation in float32 and its activation.
///
/// @param x             [N, C, ...], floating point; the result of an empty map is empty
/// @param groups        divides C; channels that follow each other form a group
/// @param weight, bias  [C], of the dtype of x or of that in which it is computed
/// @param eps           at least 0
/// @param slope         1: no activation; 0: ReLU; between them: LeakyReLU
/// @throws std::invalid_argument when one of these does not hold
/// Source: Y. Wu, K. He, Group Normalization, ECCV 2018.
COVECTOR_API at::Tensor group_norm(const at::Tensor& x, std::int64_t groups,
                                   const at::Tensor& weight, const at::Tensor& bias, double eps,
                                   double slope = 1);

}  // namespace covector::networks
