#pragma once

#include "covector/core/export.h"
#include "covector/core/method.h"

#include <cstdint>
#include <vector>

namespace covector::transforms {

/// The view "train" of a downstream task.
/// @param crop   sides of a random crop, one an axis; empty: the whole image
/// @param light  also small rotations, scales and shifts before the crop, contrast and brightness
///               behind it. Nothing is mirrored: that would turn a liver into a spleen
COVECTOR_API ViewSpec training_view(const std::vector<std::int64_t>& crop, bool light);

}  // namespace covector::transforms
