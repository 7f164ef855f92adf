#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace covector::testing {

/// The middle half of each side is cut into `classes` pieces, one after the other along D, H, W: a
/// voxel of the n there, counted in that order, is of class 1 + floor(i classes / n). Outside is 0.
/// @returns [1, D, H, W] uint8
at::Tensor made_up_label(const std::vector<std::int64_t>& size, std::int64_t classes);

/// Step k of the values in class k, and a texture: step * label + (7 d + 5 h + 3 w + seed) mod 11.
/// @returns [1, D, H, W] int32
at::Tensor made_up_image(const at::Tensor& label, std::int64_t step, std::int64_t seed);

/// Writes a volume, with its folder.
/// @param spacing_mm  D, H, W
/// @param direction   columns x, y, z, row-major; empty: the identity
void write_volume(const at::Tensor& pixels, const std::vector<double>& spacing_mm,
                  const std::filesystem::path& path, const std::vector<double>& direction = {});

}  // namespace covector::testing
