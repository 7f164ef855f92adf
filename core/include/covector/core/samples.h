#pragma once

#include "covector/core/sample.h"

namespace covector {

/// Throws DataError naming two samples that differ in shape, or of which one alone has a label or a
/// class: they cannot share a batch.
COVECTOR_API void check_alike(const std::vector<Sample>& samples);

/// Writes the values of an image as its dataset keeps it (Sample::steps): out = stored / steps, or
/// a copy where steps is 0.
/// @param stored  uint8 or uint16 with steps above 0, else any type; a window of an image is read
///                in place
/// @param out     of the same shape; float32 and contiguous with steps above 0
/// Throws std::invalid_argument for another shape or type.
COVECTOR_API void write_values(const at::Tensor& stored, float steps, const at::Tensor& out);
/// The same, as a new tensor.
COVECTOR_API at::Tensor values_of(const at::Tensor& stored, float steps);

}  // namespace covector
