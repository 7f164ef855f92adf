#pragma once

#include "covector/core/schema.h"
#include "covector/core/transform.h"
#include "covector/transforms/corruption/boxes.h"

#include <cstdint>
#include <string>
#include <vector>

namespace covector::transforms {

struct COVECTOR_API InpaintOptions {
  std::int64_t boxes = 10;
  double go_on = 0.95;
  std::vector<double> coverage;
  std::vector<double> side = {3.0 / 30, 4.0 / 30};
  bool largest_side = false;
  std::int64_t margin = 3;
  std::string fill = "noise";
  std::vector<double> noise = {0.0, 1.0};
  double constant = 0.0;

  static void describe(Schema<InpaintOptions>& schema);
};

/// Boxes for one sample.
///
/// Without `coverage`: after each box another is drawn with probability `go_on`, as is the first,
/// up to `boxes`. With it: a share is drawn uniformly, then boxes until together they cover it.
/// A side takes each whole number from floor(low * length) up to floor(high * length), that one
/// included with `largest_side` alone, at least 1; the box lies anywhere at least `margin` from
/// every border.
/// Throws RecipeError when the image has no room for a box, or none for the coverage.
COVECTOR_API std::vector<Box> draw_boxes(const InpaintOptions& options,
                                         const std::vector<std::int64_t>& size,
                                         RandomStream& stream);

/// Overwrites boxes of each sample, in all channels, and marks them.
class COVECTOR_API Inpaint final : public Transform {
 public:
  explicit Inpaint(const InpaintOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  InpaintOptions options_;
};

}  // namespace covector::transforms
