#pragma once

#include "covector/core/schema.h"
#include "covector/core/transform.h"

namespace covector::transforms {

/// Remaps grey levels along a cubic Bezier curve from (0, 0) to (1, 1).
///
///   (x, y)(s) = 3 (1-s)^2 s P1 + 3 (1-s) s^2 P2 + s^3 (1, 1);  x(s) = v, then
///   increasing: v -> y(s),   decreasing: v -> y(1 - s)
///
/// Values outside 0 .. 1 count as the nearer end. With control points in the unit square both
/// coordinates grow with s, so that x(s) = v has one solution, which is found by bisection.
/// @param image       [N, C, *size] floating point
/// @param controls    [N, 4] float64 on the CPU: x1, y1, x2, y2 in 0 .. 1
/// @param decreasing  [N] float64 on the CPU, 1 or 0
/// @throws            std::invalid_argument when the shapes disagree
/// Source: Z. Zhou et al., Models Genesis, Medical Image Analysis 67, 2021, in closed form where
/// its code interpolates between 100 000 samples of the curve.
COVECTOR_API at::Tensor intensity_map(const at::Tensor& image, const at::Tensor& controls,
                                      const at::Tensor& decreasing);

struct COVECTOR_API IntensityMapOptions {
  double decreasing = 0.5;

  static void describe(Schema<IntensityMapOptions>& schema);
};

/// Remaps the grey levels of each sample along a random curve of its own.
class COVECTOR_API IntensityMap final : public Transform {
 public:
  explicit IntensityMap(const IntensityMapOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  IntensityMapOptions options_;
};

}  // namespace covector::transforms
