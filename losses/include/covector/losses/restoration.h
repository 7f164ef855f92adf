#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

namespace covector::losses {

/// How far a restored image is from the clean one, voxel by voxel: the mean over its channels,
/// [N, 1, *size]. Half precision is widened to float32.
/// @param restored, clean  [N, C, *size] floating point
/// @throws                 std::invalid_argument when the shapes disagree (so for all functions
///                         here)
COVECTOR_API at::Tensor squared_error(const at::Tensor& restored, const at::Tensor& clean);
COVECTOR_API at::Tensor absolute_error(const at::Tensor& restored, const at::Tensor& clean);
/// Cross-entropy -x ln y - (1 - x) ln(1 - y) of y = sigmoid(logits) and clean x in [0, 1]. Its
/// floor is the entropy of x.
COVECTOR_API at::Tensor cross_entropy_error(const at::Tensor& logits, const at::Tensor& clean);

/// Sum over the batch of  a e(p) inside a mask and b e(p) outside, over the number of voxels.
/// @param error  [N, 1, *size];  mask  [N, 1, *size] boolean
/// @returns      scalar
/// Source: the emphasis of P. Vincent et al., Stacked Denoising Autoencoders, JMLR 11, 2010.
COVECTOR_API at::Tensor emphasised_mean(const at::Tensor& error, const at::Tensor& mask,
                                        double inside, double outside);

/// Peak signal-to-noise ratio of images in 0 .. 1: -10 log10(mean squared error), in dB.
COVECTOR_API at::Tensor psnr(const at::Tensor& mean_squared_error);

}  // namespace covector::losses
