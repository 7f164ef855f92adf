#pragma once

#include "covector/losses/masked_mean.h"

namespace covector::losses {

/// Distance between a predicted and a known displacement vector field over the pixels of a mask.
///
///   L(v, u) = sum_p m(p) sum_axis |v_axis(p) - u_axis(p)| / sum_p m(p)
///
/// Axes are summed, pixels averaged. Half precision is accumulated in float32.
/// @param predicted, target  [N, d, *size] floating point, in voxels; `target` carries no gradient
///                           unless it asks for one
/// @param mask               [N, 1, *size] boolean or 0/1: where `target` stays inside the other
///                           view
/// @returns                  scalar, in voxels
/// @throws                   std::invalid_argument when the shapes disagree
/// Source: Y. He, S. Li, Vector Contrastive Learning for Pixel-Wise Pretraining in Medical Vision
/// (COVER), ICCV 2025. Departure: an empty mask gives zero loss and zero gradient; EmptyMask::nan
/// is what the published code does.
COVECTOR_API at::Tensor vector_loss(const at::Tensor& predicted, const at::Tensor& target,
                                    const at::Tensor& mask, EmptyMask empty = EmptyMask::zero);

}  // namespace covector::losses
