#pragma once

#include "covector/core/error.h"
#include "covector/core/transform.h"

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace covector::transforms {

/// One number a sample, [N] on the CPU, spread over an image: [N, 1, ..., 1] of its type and
/// device. Throws std::invalid_argument when the numbers of samples differ.
at::Tensor per_sample(const std::string& name, const at::Tensor& values, const at::Tensor& image);

/// Gives the view new pixels where the transform applies; the other samples keep theirs bit for
/// bit.
void change_pixels(View& view, const Draws& draws, const at::Tensor& changed);

/// Overwrites voxels of the samples the transform applies to, and marks them.
/// @param where   [N, 1, *size] boolean
/// @param pixels  what stands there then; broadcast over the image
void overwrite(View& view, const Draws& draws, const at::Tensor& where, const at::Tensor& pixels);

/// Uniform noise in a range, the same in all channels: [N, 1, *size] of the image's type.
at::Tensor noise_fill(const std::vector<double>& range, const at::Tensor& image, Draws& draws);

/// The map for the samples it applies to, the identity for the others. The map keeps the size.
SpatialMap where_applied(const SpatialMap& map, const Draws& draws);

/// An option with one number an axis, or one for all.
/// Throws RecipeError "crop: 'size' has 2 numbers, but the views are 3D; give 3, or one for all
/// axes".
template <class Number>
std::vector<Number> for_each_axis(const std::string& part, const std::string& option,
                                  const std::vector<Number>& given, std::int64_t dimensions) {
  if (static_cast<std::int64_t>(given.size()) == dimensions) return given;
  if (given.size() == 1) return std::vector<Number>(dimensions, given.front());
  throw RecipeError(part + ": '" + option + "' has " + std::to_string(given.size()) +
                    " numbers, but the views are " + std::to_string(dimensions) + "D; give " +
                    std::to_string(dimensions) + ", or one for all axes");
}

/// "[96, 64]".
std::string text_of(const std::vector<std::int64_t>& size);

/// For Field::require: an interval [low, high].
inline bool is_interval(const std::vector<double>& range) {
  return range.size() == 2 && range[0] <= range[1];
}
inline constexpr const char* kInterval = "two numbers, the smaller first";

}  // namespace covector::transforms
