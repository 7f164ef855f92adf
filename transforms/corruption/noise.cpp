#include "covector/transforms/corruption/noise.h"

#include "covector/core/check.h"
#include "per_sample.h"

namespace covector::transforms {

at::Tensor add_noise(const at::Tensor& image, const at::Tensor& std, const at::Tensor& field) {
  check_shape("field", field, image.sizes());
  return image + per_sample("std", std, image) * field;
}

void NoiseOptions::describe(Schema<NoiseOptions>& schema) {
  schema.summary("Adds normal noise to every voxel; nothing is clipped.")
      .source("Y. He, S. Li, COVER, ICCV 2025, appendix B.1");
  schema.field("std", &NoiseOptions::std)
      .doc("standard deviation, drawn uniformly")
      .unit("grey level")
      .at_least(0.0)
      .require(is_interval, kInterval);
}

Noise::Noise(const NoiseOptions& options) : options_(options) {}

void Noise::apply(View& view, Draws& draws) const {
  const auto& image = view.image();
  const auto std = draws.uniform(options_.std[0], options_.std[1]);
  const auto field = draws.normal_field(image.sizes().slice(1), image.options());
  change_pixels(view, draws, add_noise(image, std, field));
}

}  // namespace covector::transforms
