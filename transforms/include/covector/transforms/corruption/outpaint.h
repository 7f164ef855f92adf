#pragma once

#include "covector/core/schema.h"
#include "covector/core/transform.h"
#include "covector/transforms/corruption/inpaint.h"

#include <cstdint>
#include <vector>

namespace covector::transforms {

struct COVECTOR_API OutpaintOptions {
  std::int64_t windows = 5;
  double go_on = 0.95;
  std::vector<double> cut = {3.0 / 7, 4.0 / 7};
  std::int64_t margin = 3;
  std::vector<double> noise = {0.0, 1.0};

  static void describe(Schema<OutpaintOptions>& schema);
};

/// Windows of one sample that are kept: one, and after each another with probability `go_on`, up to
/// `windows`. A side is that of the view less a whole number from floor(cut[0] * length) to
/// floor(cut[1] * length), both included; the window lies anywhere at least `margin` from every
/// border.
/// Throws RecipeError when the image has no room for it.
COVECTOR_API std::vector<Box> draw_windows(const OutpaintOptions& options,
                                           const std::vector<std::int64_t>& size,
                                           RandomStream& stream);

/// Overwrites all but a few windows of each sample with uniform noise, and marks what it overwrote.
class COVECTOR_API Outpaint final : public Transform {
 public:
  explicit Outpaint(const OutpaintOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  OutpaintOptions options_;
};

struct COVECTOR_API PaintOptions {
  double inside = 0.2;
  std::int64_t boxes = 5;
  std::vector<double> side = {1.0 / 6, 1.0 / 3};
  std::int64_t windows = 5;
  std::vector<double> cut = {3.0 / 7, 4.0 / 7};
  double go_on = 0.95;
  std::int64_t margin = 3;
  std::vector<double> noise = {0.0, 1.0};

  static void describe(Schema<PaintOptions>& schema);
};

/// In-painting or out-painting of each sample, never both, as Inpaint (the largest side included)
/// and Outpaint do it.
class COVECTOR_API Paint final : public Transform {
 public:
  explicit Paint(const PaintOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  double inside_;
  InpaintOptions inpaint_;
  OutpaintOptions outpaint_;
};

}  // namespace covector::transforms
