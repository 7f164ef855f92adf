#pragma once

#include "covector/core/schema.h"
#include "covector/core/transform.h"

#include <vector>

namespace covector::transforms {

/// Adds noise: y = x + std * field. Nothing is clipped.
/// @param image  [N, C, *size] floating point
/// @param std    [N] float64 on the CPU, in grey levels
/// @param field  as image: standard normal numbers
/// @throws       std::invalid_argument when the shapes disagree
COVECTOR_API at::Tensor add_noise(const at::Tensor& image, const at::Tensor& std,
                                  const at::Tensor& field);

struct COVECTOR_API NoiseOptions {
  std::vector<double> std = {0.0, 0.02};

  static void describe(Schema<NoiseOptions>& schema);
};

/// Normal noise of a strength of its own for each sample.
class COVECTOR_API Noise final : public Transform {
 public:
  explicit Noise(const NoiseOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  NoiseOptions options_;
};

}  // namespace covector::transforms
