#pragma once

#include "covector/core/schema.h"
#include "covector/core/transform.h"

#include <cstdint>
#include <vector>

namespace covector::transforms {

/// An axis-aligned box of voxels, d numbers each.
struct Box {
  std::vector<std::int64_t> begin;
  std::vector<std::int64_t> size;
};

/// True inside the boxes of each sample: [N, 1, *size] on the CPU.
/// @param boxes  one list a sample
COVECTOR_API at::Tensor box_mask(const std::vector<std::vector<Box>>& boxes,
                                 const std::vector<std::int64_t>& size);

struct COVECTOR_API InpaintOptions {
  std::int64_t boxes = 10;
  double go_on = 0.95;
  std::vector<double> side = {3.0 / 30, 4.0 / 30};
  std::int64_t margin = 3;
  std::vector<double> fill = {0.0, 1.0};

  static void describe(Schema<InpaintOptions>& schema);
};

/// Boxes for one sample: after each box another is drawn with probability `go_on`, as is the first,
/// up to `boxes`. A side takes each whole number from floor(low * length) up to but not including
/// floor(high * length), at least 1; the box lies anywhere at least `margin` from every border.
/// Throws RecipeError when the image has no room for it.
COVECTOR_API std::vector<Box> draw_boxes(const InpaintOptions& options,
                                         const std::vector<std::int64_t>& size,
                                         RandomStream& stream);

/// Overwrites boxes of each sample with uniform noise, the same in all channels.
class COVECTOR_API Inpaint final : public Transform {
 public:
  explicit Inpaint(const InpaintOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  InpaintOptions options_;
};

}  // namespace covector::transforms
