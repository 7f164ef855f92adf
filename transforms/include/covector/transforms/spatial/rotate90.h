#pragma once

#include "covector/core/schema.h"
#include "covector/core/transform.h"

#include <cstdint>
#include <vector>

namespace covector::transforms {

/// Turns samples by quarter turns in the plane of the last two axes, counter-clockwise where rows
/// go down: the direction of torch::rot90(image, turns, {-2, -1}).
/// @param turns  [N] float64 on the CPU, whole numbers; taken modulo 4
/// @param size   of the view, d numbers, the last two equal
/// @throws       std::invalid_argument when the last two sides differ
COVECTOR_API SpatialMap quarter_turn_map(const at::Tensor& turns, std::vector<std::int64_t> size);

struct COVECTOR_API Rotate90Options {
  static void describe(Schema<Rotate90Options>& schema);
};

/// One, two or three quarter turns of each sample. No voxel is interpolated.
class COVECTOR_API Rotate90 final : public Transform {
 public:
  explicit Rotate90(const Rotate90Options& options);
  /// Throws RecipeError when the last two sides of the view differ.
  void apply(View& view, Draws& draws) const override;
};

}  // namespace covector::transforms
