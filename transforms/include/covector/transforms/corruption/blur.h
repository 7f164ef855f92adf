#pragma once

#include "covector/core/schema.h"
#include "covector/core/transform.h"

#include <string>
#include <vector>

namespace covector::transforms {

/// Where a Gaussian of width sigma is cut off.
///   four_sigma:  floor(4 sigma + 1/2), as SciPy's gaussian_filter, which COVER's code calls
///   three_sigma: ceil(3 sigma)
enum class BlurRadius { four_sigma, three_sigma };

/// Weights of a Gaussian, one row a sample: w(k) = exp(-k^2 / (2 sigma^2)) / sum, |k| <= radius.
/// @param sigma, radius  [N] float64 on the CPU, in voxels, at least 0
/// @returns              [N, 2 max(radius) + 1] float64; 0 beyond a sample's own radius, so that
///                       what it gets does not depend on its neighbours in the batch
/// @throws               std::invalid_argument when the shapes disagree
COVECTOR_API at::Tensor gaussian_taps(const at::Tensor& sigma, const at::Tensor& radius);

/// gaussian_blur along one axis as a product: row p holds the weights of what voxel p becomes,
/// [N, length, length] float64. Where sigma is wide this is far faster than one pass a weight.
COVECTOR_API at::Tensor gaussian_matrix(const at::Tensor& sigma, std::int64_t length,
                                        BlurRadius radius = BlurRadius::four_sigma);

/// Gaussian blur, one width a sample, along every spatial axis.
///
/// Beyond the border the image goes on as its mirror image, the border pixel repeated (c b a | a b
/// c), as in SciPy. Where the radius is 0 (four_sigma below sigma = 1/8) the sample is returned bit
/// for bit.
/// @param image  [N, C, *size] floating point
/// @param sigma  [N] float64 on the CPU, in voxels, at least 0
/// @throws       std::invalid_argument when the shapes disagree
COVECTOR_API at::Tensor gaussian_blur(const at::Tensor& image, const at::Tensor& sigma,
                                      BlurRadius radius = BlurRadius::four_sigma);

struct COVECTOR_API BlurOptions {
  std::vector<double> sigma = {0.0, 0.05};
  std::string radius = "four_sigma";

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
