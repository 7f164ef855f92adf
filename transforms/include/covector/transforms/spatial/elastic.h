#pragma once

#include "covector/core/schema.h"
#include "covector/core/transform.h"

#include <vector>

namespace covector::transforms {

/// A smooth random displacement: uniform noise in -1 .. 1 along every axis, blurred by a Gaussian,
/// times an amplitude.
/// @param noise      [N, d, *size] floating point
/// @param sigma      [N] float64 on the CPU, in voxels
/// @param amplitude  [N] float64 on the CPU, in voxels
/// @returns          [N, d, *size] voxels
/// @throws           std::invalid_argument when the shapes disagree
COVECTOR_API at::Tensor elastic_field(const at::Tensor& noise, const at::Tensor& sigma,
                                      const at::Tensor& amplitude);

struct COVECTOR_API ElasticOptions {
  std::vector<double> sigma = {10.0, 13.0};
  std::vector<double> amplitude = {0.0, 512.0};

  static void describe(Schema<ElasticOptions>& schema);
};

/// Deforms each sample by a smooth random displacement; see View::deform.
class COVECTOR_API Elastic final : public Transform {
 public:
  explicit Elastic(const ElasticOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  ElasticOptions options_;
};

}  // namespace covector::transforms
