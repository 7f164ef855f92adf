#pragma once

#include "covector/core/random.h"

#include <cstdint>
#include <string>
#include <vector>

namespace covector::transforms {

/// An axis-aligned box of voxels, d numbers each.
struct Box {
  std::vector<std::int64_t> begin;
  std::vector<std::int64_t> size;
};

/// How random boxes are drawn in a grid: each side takes each whole number from its least to its
/// largest, the box lies anywhere at least `margin` voxels from every border.
struct BoxRule {
  std::vector<std::int64_t> least;    // d numbers, at least 1
  std::vector<std::int64_t> largest;  // d numbers, at least `least`
  std::int64_t margin = 0;
};

/// floor(share * length), not one less where a product such as 3 / 30 * 70 rounds down.
COVECTOR_API std::int64_t share_of(double share, std::int64_t length);

/// @param part  named in the error
/// @throws      RecipeError when the drawn box has no room in a grid of this size
COVECTOR_API Box draw_box(const std::string& part, const BoxRule& rule,
                          const std::vector<std::int64_t>& size, RandomStream& stream);

/// True inside the boxes of each sample: [N, 1, *size] on the CPU.
/// @param boxes  one list a sample
COVECTOR_API at::Tensor box_mask(const std::vector<std::vector<Box>>& boxes,
                                 const std::vector<std::int64_t>& size);

}  // namespace covector::transforms
