#include "ukan.h"

#include <algorithm>

namespace covector::ukan {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "U-KAN: a convolutional U-Net whose coarse scales are Kolmogorov-Arnold layers on "
          "tokens, BatchNorm and LayerNorm, 2D.")
      .source(
          "C. Li et al., U-KAN Makes Strong Backbone for Medical Image Segmentation and "
          "Generation, AAAI 2025; code CUHK-AIM-Group/U-KAN at b20bf63, with the widths of its "
          "training script")
      .departure(
          "The pyramid's levels are inner activations of the released network, which returns only "
          "its output; how COVER was run on U-KAN is nowhere described.")
      .departure(
          "The first convolution has as many input channels as the images; the released one always "
          "has 3 (repeat3 = true).")
      .departure(
          "One learning rate for all. The released training takes 1e-2 for the KAN layers and 1e-4 "
          "elsewhere; the COVER paper states 1e-4 for everything.");
  schema.field("channels", &Options::channels)
      .doc("width at strides 8, 16 and 32; an eighth and a quarter of the first at strides 2 and 4")
      .require([](const auto& channels) { return channels.size() == 3; }, "three numbers")
      .require(
          [](const auto& channels) {
            return std::all_of(channels.begin(), channels.end(), [](auto c) { return c > 0; });
          },
          "positive numbers")
      .require([](const auto& channels) { return channels.empty() || channels[0] % 8 == 0; },
               "widths of which 8 divides the first");
  schema.field("levels", &Options::levels)
      .doc(
          "levels of the pyramid: 6, or 5 without the one at stride 32, which leaves the strides "
          "of the U-Net. The encoder's features are those at stride 32 either way")
      .one_of({5, 6});
  schema.field("repeat3", &Options::repeat3)
      .doc(
          "show images of one channel to a first convolution of three, as the released weights "
          "have it");
  networks::describe_checkpoint(schema.field("checkpoint", &Options::checkpoint),
                                networks::stage_names(5, 5));
}

}  // namespace covector::ukan
