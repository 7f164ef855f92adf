#include "covector/transforms/intensity/grey_levels.h"

#include "per_sample.h"

#include <cmath>
#include <numeric>

namespace covector::transforms {

at::Tensor contrast(const at::Tensor& image, const at::Tensor& factor, MeanOver over) {
  std::vector<std::int64_t> axes(image.dim() - 1);
  std::iota(axes.begin(), axes.end(), 1);
  if (over == MeanOver::batch) axes.push_back(0);
  const auto mean = image.mean(axes, true);
  return (image - mean) * per_sample("factor", factor, image) + mean;
}

at::Tensor brightness(const at::Tensor& image, const at::Tensor& offset) {
  return image + per_sample("offset", offset, image);
}

at::Tensor gamma(const at::Tensor& image, const at::Tensor& exponent) {
  return image.sign() * image.abs().pow(per_sample("exponent", exponent, image));
}

void ContrastOptions::describe(Schema<ContrastOptions>& schema) {
  schema.summary("Stretches the grey levels of each sample about their mean; nothing is clipped.")
      .source("Y. He, S. Li, COVER, ICCV 2025, appendix B.1")
      .departure(
          "the published code takes one factor and one mean for the batch: draw = \"batch\", "
          "mean = \"batch\"");
  schema.field("factor", &ContrastOptions::factor)
      .doc("drawn uniformly")
      .at_least(0.0)
      .require(is_interval, kInterval);
  schema.field("mean", &ContrastOptions::mean)
      .doc("over what the mean is taken")
      .one_of({"sample", "batch"});
}

Contrast::Contrast(const ContrastOptions& options) : options_(options) {}

void Contrast::apply(View& view, Draws& draws) const {
  const auto factor = draws.uniform(options_.factor[0], options_.factor[1]);
  const auto over = options_.mean == "sample" ? MeanOver::sample : MeanOver::batch;
  change_pixels(view, draws, contrast(view.image(), factor, over));
}

void BrightnessOptions::describe(Schema<BrightnessOptions>& schema) {
  schema.summary("Adds one number to all grey levels of a sample; nothing is clipped.")
      .source("Y. He, S. Li, COVER, ICCV 2025, appendix B.1");
  schema.field("mean", &BrightnessOptions::mean)
      .doc("mean of the normal distribution it is drawn from")
      .unit("grey level");
  schema.field("std", &BrightnessOptions::std)
      .doc("standard deviation of that distribution")
      .unit("grey level")
      .at_least(0.0);
  schema.field("half_width", &BrightnessOptions::half_width)
      .doc("where given, it is drawn uniformly from so far below the mean to so far above")
      .unit("grey level")
      .at_least(0.0);
}

Brightness::Brightness(const BrightnessOptions& options) : options_(options) {}

void Brightness::apply(View& view, Draws& draws) const {
  const auto mean = options_.mean;
  const auto half = options_.half_width;
  const auto offset =
      half ? draws.uniform(mean - *half, mean + *half) : draws.normal(mean, options_.std);
  change_pixels(view, draws, brightness(view.image(), offset));
}

void GammaOptions::describe(Schema<GammaOptions>& schema) {
  schema.summary("Raises grey levels to a power, keeping their sign.")
      .source("range of nnU-Net (F. Isensee et al., Nature Methods 18, 2021)")
      .departure("nnU-Net rescales each image to 0 .. 1 first; here images are expected there");
  schema.field("exponent", &GammaOptions::exponent)
      .doc("its logarithm is drawn uniformly")
      .more_than(0.0)
      .require(is_interval, kInterval);
}

Gamma::Gamma(const GammaOptions& options) : options_(options) {}

void Gamma::apply(View& view, Draws& draws) const {
  const auto exponent =
      draws.uniform(std::log(options_.exponent[0]), std::log(options_.exponent[1])).exp();
  change_pixels(view, draws, gamma(view.image(), exponent));
}

void ClipOptions::describe(Schema<ClipOptions>& schema) {
  schema.summary("Moves grey levels outside a range to its ends.");
  schema.field("range", &ClipOptions::range)
      .doc("lowest and highest level")
      .unit("grey level")
      .require(is_interval, kInterval);
}

Clip::Clip(const ClipOptions& options) : options_(options) {}

void Clip::apply(View& view, Draws& draws) const {
  change_pixels(view, draws, view.image().clamp(options_.range[0], options_.range[1]));
}

}  // namespace covector::transforms
