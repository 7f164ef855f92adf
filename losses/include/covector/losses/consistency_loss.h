#pragma once

#include "covector/losses/masked_mean.h"

namespace covector::losses {

/// Mean cosine distance between two dense feature maps over the pixels of a mask.
///
///   L(f, g) = 1 - sum_p m(p) <f(p) / max(|f(p)|, eps), g(p) / max(|g(p)|, eps)> / sum_p m(p)
///
/// with eps = 1e-12. The gradient flows into both maps. Half precision is accumulated in float32.
/// @param f, g  features [N, C, *size], floating point, same shape
/// @param mask  [N, 1, *size] boolean or 0/1
/// @returns     scalar in [0, 2], no unit; 0 when the mask is empty (EmptyMask::zero)
/// @throws      std::invalid_argument when the shapes disagree
/// Source: the consistency loss of Y. He, S. Li, COVER, ICCV 2025. Departure: see vector_loss.
COVECTOR_API at::Tensor consistency_loss(const at::Tensor& f, const at::Tensor& g,
                                         const at::Tensor& mask, EmptyMask empty = EmptyMask::zero);

}  // namespace covector::losses
