#include "swinunet.h"

#include <algorithm>

namespace covector::swinunet {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "U-Net of Swin transformer blocks (Swin-T): attention inside shifted windows on four "
          "scales; 2D.")
      .source(
          "H. Cao et al., Swin-Unet, ECCV Workshops 2022; code HuCaoFighting/Swin-Unet at f48f623")
      .departure(
          "Sizes. The authors' code runs at the size it is built for, and there only where windows "
          "fit: multiples of 224 with windows of 7. Here any size that 32 divides runs: zeros fill "
          "each grid up to whole windows, as in the Swin authors' code for detection. At the "
          "native size the outputs are the same.")
      .departure(
          "Levels. No source says which maps COVER reads: the authors' network gives logits only. "
          "Here these are what each scale of the decoder holds, and the finest that goes into "
          "their output convolution. The step from stride 4 to 1 is 'bridge'.")
      .departure(
          "First weights. The authors start encoder and decoder from Swin-T trained on ImageNet; "
          "here weights are drawn as their code draws them without.");
  const auto four = [](const auto& numbers) { return numbers.size() == 4; };
  schema.field("image_size", &Options::image_size)
      .doc(
          "size that the windows are laid out for, height and width where they differ: a stage "
          "whose "
          "grid is no larger than 'window' has one window of its size")
      .unit("pixels")
      .require([](const auto& size) { return size.size() == 1 || size.size() == 2; },
               "one number, or two")
      .require(
          [](const auto& size) {
            return std::all_of(size.begin(), size.end(),
                               [](std::int64_t side) { return side > 0 && side % 32 == 0; });
          },
          "positive multiples of 32");
  schema.field("window", &Options::window)
      .doc(
          "side of the windows. 7 is that of the published weights; 12 fits images of 384 without "
          "filling")
      .unit("tokens")
      .at_least(1);
  schema.field("embed_dim", &Options::embed_dim)
      .doc("channels of a token on the finest grid, doubled on each coarser one")
      .at_least(1);
  schema.field("depths", &Options::depths)
      .doc("transformer blocks a stage, finest first; the decoder repeats them")
      .require(four, "four numbers")
      .at_least(1);
  schema.field("heads", &Options::heads)
      .doc("attention heads a stage, finest first")
      .require(four, "four numbers")
      .at_least(1);
  schema.field("mlp_ratio", &Options::mlp_ratio)
      .doc("hidden channels of a block's feed-forward part, a channel of the stage")
      .at_least(1.0);
  schema.field("drop_path", &Options::drop_path)
      .doc(
          "probability, in training, that a branch of the last encoder block is left out; it rises "
          "from 0 at the first, and the decoder repeats the encoder's")
      .between(0.0, 0.99);
  schema.field("bridge", &Options::bridge)
      .doc(
          "how levels go from stride 4 to 1: x2 has one at stride 2 between, the finest averaged "
          "over "
          "2 x 2, so that every step doubles; x4 goes in one step")
      .one_of({"x2", "x4"});
  schema.field("repeat3", &Options::repeat3)
      .doc("repeat images of one channel to three, as the authors' weights want them");
  networks::describe_checkpoint(schema.field("checkpoint", &Options::checkpoint),
                                networks::stage_names(4, 4),
                                "; the decoder's last is the step from stride 4 to 1");
  schema.rule([](const Options& o) -> std::string {
    for (std::size_t i = 0; i < std::min<std::size_t>(4, o.heads.size()); ++i)
      if (o.heads[i] > 0 && (o.embed_dim << i) % o.heads[i] != 0)
        return "'heads' must divide the channels of its stage: " + std::to_string(o.heads[i]) +
               " does not divide " + std::to_string(o.embed_dim << i);
    return "";
  });
}

}  // namespace covector::swinunet
