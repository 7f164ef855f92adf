#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

#include <string_view>

namespace covector {

inline constexpr std::int64_t kAny = -1;

/// Throws std::invalid_argument "mask: expected [2, 1, *, *], got [2, 3, 8, 8]" unless the shapes
/// agree. kAny in `expected` stands for any length.
COVECTOR_API void check_shape(std::string_view name, const at::Tensor& tensor,
                              at::IntArrayRef expected);

}  // namespace covector
