#include "transunet.h"

namespace covector::transunet {
namespace {

void describe_convolutions(Schema<Options>& schema) {
  schema.field("image_size", &Options::image_size)
      .doc(
          "side of the images that a position is learned for each 16 x 16 pixels of; others run on "
          "positions interpolated between these, so set it to the crop of the pretraining")
      .unit("pixels")
      .require([](auto side) { return side >= 32 && side % 16 == 0; },
               "a multiple of 16, at least 32");
  schema.field("repeat3", &Options::repeat3)
      .doc(
          "whether an image of one channel is repeated to three, as the authors do: their weights "
          "fit then, and those learned on photographs");
  schema.field("width", &Options::width)
      .doc("channels of the ResNet's first stage, of which all others are multiples")
      .require([](auto width) { return width > 0 && width % 32 == 0; },
               "a positive multiple of 32, the number of normalisation groups");
  schema.field("units", &Options::units)
      .doc("units in each stage of the ResNet, finest first")
      .require([](const auto& units) { return units.size() == 3; }, "three numbers")
      .at_least(1);
}

void describe_transformer(Schema<Options>& schema) {
  schema.field("layers", &Options::layers).doc("of the transformer").at_least(1);
  schema.field("hidden", &Options::hidden).doc("channels of a token").at_least(1);
  schema.field("mlp", &Options::mlp).doc("channels inside the MLP of a layer").at_least(1);
  schema.field("heads", &Options::heads).doc("of the attention").at_least(1);
  schema.field("dropout", &Options::dropout)
      .doc(
          "probability that a number of a token is zeroed in training, after the embedding and in "
          "the MLPs")
      .require([](auto p) { return 0 <= p && p < 1; }, "at least 0 and less than 1");
  schema.field("attention_dropout", &Options::attention_dropout)
      .doc(
          "probability that a weight of the attention or a number of its output is zeroed in "
          "training")
      .require([](auto p) { return 0 <= p && p < 1; }, "at least 0 and less than 1");
  schema.rule([](const Options& options) {
    return options.hidden % options.heads == 0
               ? std::string()
               : "'heads' must divide 'hidden', " + std::to_string(options.hidden);
  });
}

}  // namespace

void Options::describe(Schema<Options>& schema) {
  schema.summary("TransUNet: a ResNet, a vision transformer on its coarsest map, a decoder; 2D.")
      .source(
          "J. Chen et al., TransUNet: Transformers Make Strong Encoders for Medical Image "
          "Segmentation, arXiv 2102.04306, as R50-ViT-B_16 of the authors' code (02ef001)")
      .departure(
          "The authors' code takes square images of the size it was built for; this one takes any "
          "multiples of 16, from 32 on, and interpolates the positions.")
      .departure(
          "The authors start from weights learned on ImageNet-21k; this one starts at random "
          "unless "
          "weights are given.")
      .departure(
          "No source says how COVER's pyramid reads TransUNet: level 0 is the decoder's first "
          "convolution, the others its four blocks.");
  describe_convolutions(schema);
  describe_transformer(schema);
  schema.field("channels", &Options::channels)
      .doc("of the pyramid levels, which are the decoder's, coarsest first")
      .require([](const auto& channels) { return channels.size() == 5; }, "five numbers")
      .at_least(1);
  networks::describe_checkpoint(schema.field("checkpoint", &Options::checkpoint),
                                networks::stage_names(5, 5),
                                "; the encoder's last is the transformer");
}

}  // namespace covector::transunet
