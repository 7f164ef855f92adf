#include "covector/transforms/corruption/impulse_noise.h"

#include "per_sample.h"

namespace covector::transforms {
namespace {

// One number in 0 .. 1 a voxel, float32 whatever the image is: [N, 1, *size].
at::Tensor chances(const at::Tensor& image, Draws& draws) {
  auto shape = image.sizes().slice(1).vec();
  shape[0] = 1;
  return draws.uniform_field(shape, image.options().dtype(torch::kFloat32));
}

}  // namespace

void MaskingNoiseOptions::describe(Schema<MaskingNoiseOptions>& schema) {
  schema.summary("Overwrites random voxels with one value and marks them.")
      .source("P. Vincent et al., Stacked Denoising Autoencoders, JMLR 11, 2010");
  schema.field("fraction", &MaskingNoiseOptions::fraction)
      .doc("chance of each voxel")
      .between(0.0, 1.0);
  schema.field("value", &MaskingNoiseOptions::value)
      .doc("what they are overwritten with")
      .unit("grey level");
}

MaskingNoise::MaskingNoise(const MaskingNoiseOptions& options) : options_(options) {}

void MaskingNoise::apply(View& view, Draws& draws) const {
  const auto& image = view.image();
  overwrite(view, draws, chances(image, draws) < options_.fraction,
            torch::full({}, options_.value, image.options()));
}

void SaltAndPepperOptions::describe(Schema<SaltAndPepperOptions>& schema) {
  schema.summary("Overwrites random voxels with 0 or 1, equally often, and marks them.")
      .source("P. Vincent et al., Stacked Denoising Autoencoders, JMLR 11, 2010");
  schema.field("fraction", &SaltAndPepperOptions::fraction)
      .doc("chance of each voxel")
      .between(0.0, 1.0);
}

SaltAndPepper::SaltAndPepper(const SaltAndPepperOptions& options) : options_(options) {}

void SaltAndPepper::apply(View& view, Draws& draws) const {
  const auto& image = view.image();
  const auto chance = chances(image, draws);
  overwrite(view, draws, chance < options_.fraction,
            (chance < options_.fraction / 2).to(image.scalar_type()));
}

}  // namespace covector::transforms
