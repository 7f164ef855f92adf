#include "covector/transforms/intensity/intensity_map.h"

#include "covector/core/check.h"
#include "per_sample.h"

namespace covector::transforms {
namespace {

// A coordinate of the curve, s (c + s (b + s a)), one polynomial a sample.
struct Curve {
  Curve(const at::Tensor& first, const at::Tensor& second, const at::Tensor& image)
      : a(per_sample("first", 1 + 3 * first - 3 * second, image)),
        b(per_sample("first", 3 * second - 6 * first, image)),
        c(per_sample("first", 3 * first, image)) {}
  at::Tensor at(const at::Tensor& s) const { return ((s * a).add_(b).mul_(s)).add_(c).mul_(s); }

  at::Tensor a, b, c;
};

// s with curve(s) = value: each step halves the interval.
at::Tensor solve(const Curve& curve, const at::Tensor& value) {
  const int steps = value.scalar_type() == torch::kFloat64 ? 54 : 26;
  auto s = torch::full_like(value, 0.5);
  double half = 0.25;
  for (int i = 0; i < steps; ++i, half /= 2) s.add_((value - curve.at(s)).sign_(), half);
  return s;
}

}  // namespace

at::Tensor intensity_map(const at::Tensor& image, const at::Tensor& controls,
                         const at::Tensor& decreasing) {
  check_shape("controls", controls, {image.size(0), 4});
  const auto turned = per_sample("decreasing", decreasing, image);
  // Below float32 the curve cannot be followed.
  const auto exact = image.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  const auto value = image.to(exact).clamp(0, 1);
  const auto point = [&](std::int64_t k) { return controls.select(1, k); };
  const auto s = solve(Curve(point(0), point(2), value), value);
  const auto mapped = Curve(point(1), point(3), value).at(torch::where(turned > 0.5, 1 - s, s));
  return mapped.to(image.scalar_type());
}

void IntensityMapOptions::describe(Schema<IntensityMapOptions>& schema) {
  schema
      .summary(
          "Remaps the grey levels of each sample along a random monotone curve; values outside "
          "0 .. 1 become those of the ends.")
      .source("Z. Zhou et al., Models Genesis, Medical Image Analysis 67, 2021");
  schema.field("decreasing", &IntensityMapOptions::decreasing)
      .doc("chance that bright becomes dark")
      .between(0.0, 1.0);
}

IntensityMap::IntensityMap(const IntensityMapOptions& options) : options_(options) {}

void IntensityMap::apply(View& view, Draws& draws) const {
  std::vector<at::Tensor> controls;
  for (int k = 0; k < 4; ++k) controls.push_back(draws.uniform(0, 1));
  const auto decreasing = draws.bernoulli(options_.decreasing);
  change_pixels(view, draws, intensity_map(view.image(), torch::stack(controls, 1), decreasing));
}

}  // namespace covector::transforms
