#pragma once

#include "covector/core/schema.h"
#include "covector/core/transform.h"

#include <vector>

namespace covector::transforms {

/// Gaussian blur, one width a sample, along every spatial axis.
///
///   w(k) = exp(-k^2 / (2 sigma^2)) / sum,   |k| <= radius = floor(4 sigma + 1/2)
///
/// Beyond the border the image goes on as its mirror image, the border pixel repeated (c b a | a b
/// c). Below sigma = 1/8 the radius is 0 and the sample is returned bit for bit.
/// @param image  [N, C, *size] floating point
/// @param sigma  [N] float64 on the CPU, in voxels, at least 0
/// @throws       std::invalid_argument when the shapes disagree
/// Source: radius and border of SciPy's gaussian_filter, which COVER's code calls.
COVECTOR_API at::Tensor gaussian_blur(const at::Tensor& image, const at::Tensor& sigma);

struct COVECTOR_API BlurOptions {
  std::vector<double> sigma = {0.0, 0.05};

  static void describe(Schema<BlurOptions>& schema);
};

/// Gaussian blur of a width of its own for each sample.
class COVECTOR_API Blur final : public Transform {
 public:
  explicit Blur(const BlurOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  BlurOptions options_;
};

}  // namespace covector::transforms
