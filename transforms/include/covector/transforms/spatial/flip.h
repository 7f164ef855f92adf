#pragma once

#include "covector/core/schema.h"
#include "covector/core/transform.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace covector::transforms {

/// Mirrors samples along axes: q_axis(p) = size - 1 - p where flipped, p elsewhere.
/// @param flipped  [N, d] float64 on the CPU, 1 or 0
/// @throws         std::invalid_argument when the shape disagrees with the size
COVECTOR_API SpatialMap flip_map(const at::Tensor& flipped, std::vector<std::int64_t> size);

struct COVECTOR_API FlipOptions {
  std::vector<double> axis_probability = {0.5};
  std::optional<double> go_on;

  static void describe(Schema<FlipOptions>& schema);
};

/// Mirrors each sample along each axis with that axis's probability; or, with `go_on`, along a
/// random axis with that chance, then again, up to three times.
class COVECTOR_API Flip final : public Transform {
 public:
  explicit Flip(const FlipOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  FlipOptions options_;
};

}  // namespace covector::transforms
