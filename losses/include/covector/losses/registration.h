#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

namespace covector::losses {

/// Squared local correlation coefficient around every voxel, channel by channel.
///
///   cc = cross^2 / (var_a var_b + 1e-5)
///   cross = sum_w (a - mean_a) (b - mean_b),  var likewise, sums over a window^d box
///
/// Beyond the border images are zero, and means divide by window^d there too. The box sums are
/// separable running sums and cost the same for every window; they are taken in float64, because a
/// variance is the small difference of two of them.
/// @param a, b    [N, C, *size]
/// @param window  odd side of the box, in voxels
/// @returns       [N, C, *size] float32 (float64 for float64), in [0, 1]; 0 where a window is
///                constant
/// @throws        std::invalid_argument when the shapes disagree or the window is even
/// Source: B. Avants et al., MedIA 2008; constants as in YutingHe-list/GVSL (77c89ba).
COVECTOR_API at::Tensor local_correlation(const at::Tensor& a, const at::Tensor& b,
                                          std::int64_t window = 9);

/// Roughness of a displacement vector field: 1/d sum_axis mean (forward difference along axis)^2,
/// the mean over samples, components and places. An axis of one voxel adds nothing.
/// @param displacement  [N, d, *size] voxels
/// @returns             scalar in voxels squared, half precision accumulated in float32
/// @throws              std::invalid_argument unless there are as many components as axes
/// Source: YutingHe-list/GVSL (77c89ba), its smoothness loss.
COVECTOR_API at::Tensor roughness(const at::Tensor& displacement);

}  // namespace covector::losses
