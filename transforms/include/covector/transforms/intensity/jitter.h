#pragma once

#include "covector/core/schema.h"
#include "covector/core/transform.h"

namespace covector::transforms {

/// Brightness and contrast as the contrastive methods change them, on one or more channels:
///
///   brightness: x -> clip(b x),   contrast: x -> clip(c x + (1 - c) mean(x)),   clip to [0, 1]
///
/// one after the other; the mean is that of all channels and voxels of the sample as it then is.
/// @param image             [N, C, *size] floating point in [0, 1]
/// @param brightness        [N] float64 on the CPU, factor b
/// @param contrast          [N] float64 on the CPU, factor c
/// @param brightness_first  [N] float64 on the CPU, 1 or 0
/// @throws                  std::invalid_argument when the shapes disagree
/// Source: T. Chen et al., SimCLR, ICML 2020, in the multiplicative form of its code's version 2.
COVECTOR_API at::Tensor jitter(const at::Tensor& image, const at::Tensor& brightness,
                               const at::Tensor& contrast, const at::Tensor& brightness_first);

/// x -> 1 - x where x >= threshold, x elsewhere.
/// Source: J.-B. Grill et al., BYOL, NeurIPS 2020, appendix B.
COVECTOR_API at::Tensor solarise(const at::Tensor& image, double threshold);

struct COVECTOR_API JitterOptions {
  double brightness = 0.4;
  double contrast = 0.4;

  static void describe(Schema<JitterOptions>& schema);
};

/// Brightness and contrast of each sample, in random order.
class COVECTOR_API Jitter final : public Transform {
 public:
  explicit Jitter(const JitterOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  JitterOptions options_;
};

struct COVECTOR_API SolariseOptions {
  double threshold = 0.5;

  static void describe(Schema<SolariseOptions>& schema);
};

/// Inverts what is bright.
class COVECTOR_API Solarise final : public Transform {
 public:
  explicit Solarise(const SolariseOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  SolariseOptions options_;
};

}  // namespace covector::transforms
