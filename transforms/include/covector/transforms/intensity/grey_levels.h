#pragma once

#include "covector/core/schema.h"
#include "covector/core/transform.h"

#include <optional>
#include <string>
#include <vector>

namespace covector::transforms {

/// Over what the mean of an image is taken.
///   sample: all channels and pixels of a sample. batch: of the whole batch, as in COVER's code.
enum class MeanOver { sample, batch };

/// Stretches grey levels about their mean: y = (x - mean) factor + mean. Nothing is clipped.
/// @param image   [N, C, *size] floating point
/// @param factor  [N] float64 on the CPU
/// @throws        std::invalid_argument when the shapes disagree (so for all functions here)
COVECTOR_API at::Tensor contrast(const at::Tensor& image, const at::Tensor& factor,
                                 MeanOver over = MeanOver::sample);

/// Adds to all grey levels: y = x + offset. Nothing is clipped.
/// @param offset  [N] float64 on the CPU, in grey levels
COVECTOR_API at::Tensor brightness(const at::Tensor& image, const at::Tensor& offset);

/// Bends grey levels: y = sign(x) |x|^exponent, which keeps 0 and 1 and, unlike the bare power, is
/// defined for the negative values that noise leaves.
/// @param exponent  [N] float64 on the CPU, above 0
COVECTOR_API at::Tensor gamma(const at::Tensor& image, const at::Tensor& exponent);

struct COVECTOR_API ContrastOptions {
  std::vector<double> factor = {0.5, 1.5};
  std::string mean = "sample";

  static void describe(Schema<ContrastOptions>& schema);
};

class COVECTOR_API Contrast final : public Transform {
 public:
  explicit Contrast(const ContrastOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  ContrastOptions options_;
};

struct COVECTOR_API BrightnessOptions {
  double mean = 0.0;
  double std = 0.1;
  std::optional<double> half_width;

  static void describe(Schema<BrightnessOptions>& schema);
};

class COVECTOR_API Brightness final : public Transform {
 public:
  explicit Brightness(const BrightnessOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  BrightnessOptions options_;
};

struct COVECTOR_API GammaOptions {
  std::vector<double> exponent = {0.7, 1.5};

  static void describe(Schema<GammaOptions>& schema);
};

class COVECTOR_API Gamma final : public Transform {
 public:
  explicit Gamma(const GammaOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  GammaOptions options_;
};

struct COVECTOR_API ClipOptions {
  std::vector<double> range = {0.0, 1.0};

  static void describe(Schema<ClipOptions>& schema);
};

/// Moves grey levels outside a range to its ends.
class COVECTOR_API Clip final : public Transform {
 public:
  explicit Clip(const ClipOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  ClipOptions options_;
};

}  // namespace covector::transforms
