#include "per_sample.h"

#include "covector/core/check.h"

namespace covector::transforms {

at::Tensor per_sample(const std::string& name, const at::Tensor& values, const at::Tensor& image) {
  check_shape(name, values, {image.size(0)});
  std::vector<std::int64_t> shape(image.dim(), 1);
  shape[0] = image.size(0);
  return values.view(shape).to(image.options());
}

void change_pixels(View& view, const Draws& draws, const at::Tensor& changed) {
  if (draws.applied().all().item<bool>()) return view.set_image(changed);
  const auto& image = view.image();
  const auto applied = per_sample("applied", draws.applied(), image).to(torch::kBool);
  view.set_image(torch::where(applied, changed, image));
}

void overwrite(View& view, const Draws& draws, const at::Tensor& where, const at::Tensor& pixels) {
  const auto& image = view.image();
  const auto applied = per_sample("applied", draws.applied(), image).to(torch::kBool);
  const auto here = where.to(image.device()).logical_and(applied);
  view.set_image(torch::where(here, pixels, image));
  view.mark(here);
}

at::Tensor noise_fill(const std::vector<double>& range, const at::Tensor& image, Draws& draws) {
  auto shape = image.sizes().slice(1).vec();
  shape[0] = 1;
  return range[0] + (range[1] - range[0]) * draws.uniform_field(shape, image.options());
}

SpatialMap where_applied(const SpatialMap& map, const Draws& draws) {
  const auto identity = SpatialMap::identity(map.batch(), map.size());
  const auto applied = draws.applied().view({-1, 1, 1}).to(torch::kBool);
  return {torch::where(applied, map.matrix(), identity.matrix()), map.size()};
}

std::string text_of(const std::vector<std::int64_t>& size) {
  std::string text = "[";
  for (const auto length : size) text += (text.size() > 1 ? ", " : "") + std::to_string(length);
  return text + "]";
}

}  // namespace covector::transforms
