#include "covector/networks/sides.h"

#include "covector/core/error.h"

#include <torch/types.h>

#include <algorithm>

namespace covector::networks {
namespace {

std::string numbers(const std::vector<std::int64_t>& values) {
  std::string text;
  for (const auto v : values) text += (text.empty() ? "[" : ", ") + std::to_string(v);
  return text + "]";
}

// Padding before the first voxel; the rest of what is missing goes behind the last.
std::int64_t margin_before(std::int64_t small, std::int64_t large) {
  return std::max<std::int64_t>(0, large - small) / 2;
}

}  // namespace

std::vector<std::int64_t> sides_of(const std::string& option,
                                   const std::vector<std::int64_t>& sides,
                                   std::int64_t dimensions) {
  if (sides.size() == 1)
    return std::vector<std::int64_t>(static_cast<std::size_t>(dimensions), sides[0]);
  if (sides.empty() || static_cast<std::int64_t>(sides.size()) == dimensions) return sides;
  throw RecipeError("[task] is not valid:\n  '" + option + "' " + numbers(sides) + " has " +
                    std::to_string(sides.size()) + " sides, but the images have " +
                    std::to_string(dimensions) + " dimensions");
}

std::vector<std::int64_t> rounded_up(at::IntArrayRef size, std::int64_t divisor) {
  auto out = size.vec();
  for (auto& side : out) side = (side + divisor - 1) / divisor * divisor;
  return out;
}

at::Tensor padded_to(const at::Tensor& image, at::IntArrayRef size) {
  // The operator takes (before, after) pairs from the last axis to the first.
  std::vector<std::int64_t> pad;
  for (auto axis = static_cast<std::int64_t>(size.size()) - 1; axis >= 0; --axis) {
    const auto missing = std::max<std::int64_t>(0, size[axis] - image.size(axis + 2));
    pad.push_back(margin_before(image.size(axis + 2), size[axis]));
    pad.push_back(missing - pad.back());
  }
  const auto nothing_to_do = std::all_of(pad.begin(), pad.end(), [](auto n) { return n == 0; });
  return nothing_to_do ? image : at::constant_pad_nd(image, pad, 0);
}

at::Tensor cropped_to(const at::Tensor& image, at::IntArrayRef size) {
  auto out = image;
  for (std::size_t axis = 0; axis < size.size(); ++axis) {
    const auto dim = static_cast<std::int64_t>(axis) + 2;
    out = out.narrow(dim, margin_before(size[axis], image.size(dim)), size[axis]);
  }
  return out;
}

}  // namespace covector::networks
