#include "covector/transforms/intensity/jitter.h"

#include "per_sample.h"

#include <numeric>

namespace covector::transforms {

at::Tensor jitter(const at::Tensor& image, const at::Tensor& brightness, const at::Tensor& contrast,
                  const at::Tensor& brightness_first) {
  const auto b = per_sample("brightness", brightness, image);
  const auto c = per_sample("contrast", contrast, image);
  const auto first = per_sample("brightness_first", brightness_first, image).to(torch::kBool);
  std::vector<std::int64_t> axes(image.dim() - 1);
  std::iota(axes.begin(), axes.end(), 1);
  auto out = image;
  for (const auto& brightness_now : {first, first.logical_not()}) {
    const auto factor = torch::where(brightness_now, b, c);
    const auto towards = torch::where(brightness_now, 0, out.mean(axes, true));
    out = (factor * out + (1 - factor) * towards).clamp(0, 1);
  }
  return out;
}

at::Tensor solarise(const at::Tensor& image, double threshold) {
  return torch::where(image >= threshold, 1 - image, image);
}

void JitterOptions::describe(Schema<JitterOptions>& schema) {
  schema
      .summary(
          "Multiplies brightness and contrast of each sample by random factors, in random order, "
          "and clips to 0 .. 1 after each.")
      .source("T. Chen et al., SimCLR, ICML 2020; strength of MoCo v2 (X. Chen et al., 2020)")
      .departure("saturation, hue and greyscale, which do nothing to one channel, are left out");
  schema.field("brightness", &JitterOptions::brightness)
      .doc("the factor is uniform in 1 +- this")
      .between(0.0, 1.0);
  schema.field("contrast", &JitterOptions::contrast)
      .doc("the factor is uniform in 1 +- this")
      .between(0.0, 1.0);
}

Jitter::Jitter(const JitterOptions& options) : options_(options) {}

void Jitter::apply(View& view, Draws& draws) const {
  const auto b = draws.uniform(1 - options_.brightness, 1 + options_.brightness);
  const auto c = draws.uniform(1 - options_.contrast, 1 + options_.contrast);
  const auto first = draws.bernoulli(0.5);
  change_pixels(view, draws, jitter(view.image(), b, c, first));
}

void SolariseOptions::describe(Schema<SolariseOptions>& schema) {
  schema.summary("Inverts grey levels from a threshold on: x becomes 1 - x.")
      .source("J.-B. Grill et al., BYOL, NeurIPS 2020, appendix B");
  schema.field("threshold", &SolariseOptions::threshold)
      .doc("the darkest value that is inverted")
      .unit("grey level");
}

Solarise::Solarise(const SolariseOptions& options) : options_(options) {}

void Solarise::apply(View& view, Draws& draws) const {
  change_pixels(view, draws, solarise(view.image(), options_.threshold));
}

}  // namespace covector::transforms
