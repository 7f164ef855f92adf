#include "covector/transforms/corruption/blur.h"

#include "covector/core/check.h"
#include "per_sample.h"

namespace covector::transforms {
namespace {

at::Tensor reach_of(const at::Tensor& sigma, BlurRadius radius) {
  return radius == BlurRadius::four_sigma ? (4 * sigma + 0.5).floor() : (3 * sigma).ceil();
}

// Indices -radius .. length + radius - 1 folded into the axis: c b a | a b c | c b a.
at::Tensor mirrored(std::int64_t length, std::int64_t radius, const at::Device& device) {
  const auto position =
      torch::arange(-radius, length + radius, torch::dtype(torch::kInt64).device(device))
          .remainder(2 * length);
  return torch::minimum(position, 2 * length - 1 - position);
}

at::Tensor blur_along(const at::Tensor& image, std::int64_t axis, const at::Tensor& taps) {
  const auto radius = taps.size(1) / 2;
  const auto length = image.size(axis);
  const auto padded = image.index_select(axis, mirrored(length, radius, image.device()));
  std::vector<std::int64_t> shape(image.dim(), 1);
  shape[0] = image.size(0);
  auto out = torch::zeros_like(image);
  for (std::int64_t k = 0; k <= 2 * radius; ++k)
    out.addcmul_(padded.narrow(axis, k, length), taps.select(1, k).view(shape));
  return out;
}

}  // namespace

at::Tensor gaussian_taps(const at::Tensor& sigma, const at::Tensor& radius) {
  check_shape("radius", radius, sigma.sizes());
  const auto longest = radius.max().item<std::int64_t>();
  const auto k = torch::arange(-longest, longest + 1, torch::kFloat64);
  const auto width = sigma.unsqueeze(1);
  const auto bell =
      torch::where(k.abs() <= radius.unsqueeze(1), (-k.square() / (2 * width.square())).exp(), 0);
  // At sigma = 0 the bell is 0 / 0 in the middle, where it is 1 by definition.
  const auto whole = torch::where(k == 0, 1, bell);
  return whole / whole.sum(1, true);
}

at::Tensor gaussian_matrix(const at::Tensor& sigma, std::int64_t length, BlurRadius radius) {
  const auto taps = gaussian_taps(sigma, reach_of(sigma, radius));
  const auto from = mirrored(length, taps.size(1) / 2, torch::kCPU).unfold(0, taps.size(1), 1);
  const auto batch = sigma.size(0);
  auto matrix = torch::zeros({batch, length, length}, torch::kFloat64);
  return matrix.scatter_add_(2, from.unsqueeze(0).expand({batch, -1, -1}),
                             taps.unsqueeze(1).expand({-1, length, -1}));
}

at::Tensor gaussian_blur(const at::Tensor& image, const at::Tensor& sigma, BlurRadius radius) {
  check_shape("sigma", sigma, {image.size(0)});
  const auto reach = reach_of(sigma, radius);
  if (reach.max().item<double>() == 0) return image;
  const auto taps = gaussian_taps(sigma, reach).to(image.options());
  auto out = image;
  for (std::int64_t axis = 2; axis < image.dim(); ++axis) out = blur_along(out, axis, taps);
  return out;
}

void BlurOptions::describe(Schema<BlurOptions>& schema) {
  schema.summary("Gaussian blur along every axis, mirrored at the border.")
      .source("Y. He, S. Li, COVER, ICCV 2025, appendix B.1, in the range of the published code")
      .departure(
          "at widths below 1/8 voxel, all of the default range, nothing changes; that is so "
          "in the published code too");
  schema.field("sigma", &BlurOptions::sigma)
      .doc("width, drawn uniformly")
      .unit("voxel")
      .at_least(0.0)
      .require(is_interval, kInterval);
  schema.field("radius", &BlurOptions::radius)
      .doc("where the bell is cut off: floor(4 sigma + 1/2), or ceil(3 sigma)")
      .one_of({"four_sigma", "three_sigma"});
}

Blur::Blur(const BlurOptions& options) : options_(options) {}

void Blur::apply(View& view, Draws& draws) const {
  const auto sigma = draws.uniform(options_.sigma[0], options_.sigma[1]);
  const auto radius =
      options_.radius == "four_sigma" ? BlurRadius::four_sigma : BlurRadius::three_sigma;
  change_pixels(view, draws, gaussian_blur(view.image(), sigma, radius));
}

}  // namespace covector::transforms
