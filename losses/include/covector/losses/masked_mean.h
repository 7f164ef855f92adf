#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

namespace covector::losses {

/// What a masked mean gives when the mask is empty.
///   zero: 0, with zero gradient.
///   nan:  0 / 0, as the authors' published training code computes it.
enum class EmptyMask { zero, nan };

/// Mean of a map over the pixels of a mask, taken over the whole batch.
///
///   mean(v, m) = sum_p m(p) v(p) / sum_p m(p)
///
/// Half precision is accumulated in float32.
/// @param values  [N, 1, *size] floating point
/// @param mask    [N, 1, *size] boolean or 0/1
/// @returns       scalar of the unit of `values`
/// @throws        std::invalid_argument when the shapes disagree
COVECTOR_API at::Tensor masked_mean(const at::Tensor& values, const at::Tensor& mask,
                                    EmptyMask empty = EmptyMask::zero);

/// How many samples of the batch have an empty mask: scalar int64 on the device of the mask.
/// @param mask  [N, 1, *size] boolean or 0/1
COVECTOR_API at::Tensor empty_masks(const at::Tensor& mask);

}  // namespace covector::losses
