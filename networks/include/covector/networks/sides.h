#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace covector::networks {

/// Sides from an option of a task: one number stands for every side, none means not set.
/// Throws RecipeError "[task] is not valid: 'crop' [8, 8] has 2 sides, but the images have 3
/// dimensions".
COVECTOR_API std::vector<std::int64_t> sides_of(const std::string& option,
                                                const std::vector<std::int64_t>& sides,
                                                std::int64_t dimensions);
/// The smallest multiples of `divisor` that are not smaller.
COVECTOR_API std::vector<std::int64_t> rounded_up(at::IntArrayRef size, std::int64_t divisor);
/// Zeros around the image [N, C, *size] up to `size` an axis, half of them (rounded down) before
/// it; axes that are large enough stay.
COVECTOR_API at::Tensor padded_to(const at::Tensor& image, at::IntArrayRef size);
/// The inverse: the middle of the given size, where padded_to put the image.
COVECTOR_API at::Tensor cropped_to(const at::Tensor& image, at::IntArrayRef size);

}  // namespace covector::networks
