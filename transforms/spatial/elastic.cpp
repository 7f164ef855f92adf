#include "covector/transforms/spatial/elastic.h"

#include "covector/core/check.h"
#include "covector/transforms/corruption/blur.h"
#include "per_sample.h"

namespace covector::transforms {

at::Tensor elastic_field(const at::Tensor& noise, const at::Tensor& sigma,
                         const at::Tensor& amplitude) {
  check_shape("sigma", sigma, {noise.size(0)});
  auto field = noise;
  for (std::int64_t axis = 2; axis < noise.dim(); ++axis) {
    const auto weights = gaussian_matrix(sigma, noise.size(axis)).to(noise.options());
    const auto rows = field.movedim(axis, -1);
    const auto blurred = torch::bmm(rows.flatten(1, -2), weights.transpose(1, 2));
    field = blurred.view(rows.sizes()).movedim(-1, axis);
  }
  return per_sample("amplitude", amplitude, field) * field;
}

void ElasticOptions::describe(Schema<ElasticOptions>& schema) {
  schema
      .summary(
          "Deforms each sample by uniform noise blurred by a Gaussian. At the full default "
          "amplitude voxels move by about 1.2 in 3D and 7 in 2D.")
      .source("Y. He et al., GVSL, CVPR 2023; ranges of its released code");
  schema.field("sigma", &ElasticOptions::sigma)
      .doc("width of the Gaussian, drawn uniformly")
      .unit("voxel")
      .at_least(0.0)
      .require(is_interval, kInterval);
  schema.field("amplitude", &ElasticOptions::amplitude)
      .doc("factor on the blurred noise, drawn uniformly")
      .unit("voxel")
      .at_least(0.0)
      .require(is_interval, kInterval);
}

Elastic::Elastic(const ElasticOptions& options) : options_(options) {}

void Elastic::apply(View& view, Draws& draws) const {
  const auto sigma = draws.uniform(options_.sigma[0], options_.sigma[1]);
  const auto amplitude =
      draws.uniform(options_.amplitude[0], options_.amplitude[1]) * draws.applied();
  auto shape = view.size();
  shape.insert(shape.begin(), view.dimensions());
  const auto before = view.image();
  const auto noise = 2 * draws.uniform_field(shape, before.options()) - 1;
  view.deform(elastic_field(noise, sigma, amplitude));
  // Interpolation rounds even where nothing moves.
  const auto after = view.image();
  view.set_image(before);
  change_pixels(view, draws, after);
}

}  // namespace covector::transforms
