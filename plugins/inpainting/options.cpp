#include "inpainting.h"

#include <algorithm>

namespace covector::inpainting {
namespace {

bool is_interval(const std::vector<double>& range) {
  return range.size() == 2 && range[0] <= range[1];
}

// Field::one_of for options without a default.
auto is_one_of(std::vector<std::string> words) {
  return [words = std::move(words)](const std::optional<std::string>& word) {
    return !word || std::find(words.begin(), words.end(), *word) != words.end();
  };
}

}  // namespace

void Options::describe(Schema<Options>& schema) {
  schema.summary("Removes boxes of an image and predicts what was there from what is around.")
      .source(
          "D. Pathak et al., Context Encoders: Feature Learning by Inpainting, CVPR 2016; code "
          "pathak22/context-encoder at 68abd11. House boxes: code of COVER, GVSL and GEMINI")
      .family("GL")
      .transfers("the whole network; the output layer is dropped")
      .watch("inpainting/masked_mse", "mean squared error of what was removed")
      .watch("inpainting/mean_ratio",
             "that over the error of predicting each image's mean, at least 1e-4: below 1 the "
             "network sees context")
      .watch("inpainting/unmasked_mse",
             "error of what was kept. With the masked loss nothing asks for it to be small")
      .watch("inpainting/coverage", "share of voxels that were removed")
      .departure(
          "Network. Original: an encoder, a fully connected layer per channel and a decoder that "
          "is "
          "thrown away. Here: the whole backbone and one 1x1 convolution, linear, and the decoder "
          "transfers.")
      .departure(
          "No adversarial loss: the features that the paper releases were trained with the "
          "reconstruction alone.")
      .departure(
          "Fill. Original: the mean of the dataset. Here the mean of each channel of the view, "
          "which needs no pass over the data; fill = \"constant\" takes a number.")
      .departure("Masks. The published code has one mask a batch; here every image has its own.");
  schema.field("crop", &Options::crop)
      .doc("size of the views: one number for every axis, or one an axis")
      .unit("voxels")
      .at_least(1)
      .require([](const auto& crop) { return crop.size() >= 1 && crop.size() <= 3; },
               "one number, or one an axis");
  schema.field("mask", &Options::mask)
      .doc(
          "blocks: boxes until they cover a share of the image; house: the few small boxes of "
          "COVER, GVSL and GEMINI, which cover 4 %")
      .one_of({"blocks", "house"});
  schema.field("coverage", &Options::coverage)
      .doc("share of the image that blocks cover, drawn uniformly for each image")
      .between(0.0, 0.9)
      .require(is_interval, "two numbers, the smaller first");
  schema.field("side", &Options::side)
      .doc(
          "smallest and largest side of a block as a share of the view's; empty: 1/16 to 1/6 in "
          "2D, "
          "1/8 to 1/4 in 3D")
      .between(0.0, 1.0)
      .require([](const auto& side) { return side.empty() || is_interval(side); },
               "empty, or two numbers, the smaller first");
  schema.field("fill", &Options::fill)
      .doc(
          "what boxes are filled with; without it mean (of each channel of the view) with blocks, "
          "uniform noise in 0 .. 1 with house")
      .require(is_one_of({"mean", "noise", "constant"}), R"(one of "mean", "noise", "constant")");
  schema.field("fill_value", &Options::fill_value)
      .doc("with fill = \"constant\"")
      .unit("grey level");
  schema.field("loss", &Options::loss)
      .doc(
          "masked: over what was removed; full: over all voxels; without it masked with blocks, "
          "full "
          "with house")
      .require(is_one_of({"masked", "full"}), R"(one of "masked", "full")");
  schema.field("outside_weight", &Options::outside_weight)
      .doc("weight of the voxels that were kept, with the full loss; 10 in the published code")
      .at_least(0.0);
  schema.field("error", &Options::error)
      .doc("squared or absolute difference of restored and clean voxels")
      .one_of({"squared", "absolute"});
  // What another choice would pass over in silence.
  schema.rule([](const Options& o) -> std::string {
    const bool blocks = o.mask == "blocks";
    if (!blocks && !o.side.empty()) return "'side' needs mask = \"blocks\"";
    if (!blocks && o.coverage != Options{}.coverage) return "'coverage' needs mask = \"blocks\"";
    if (o.fill != "constant" && o.fill_value != 0) return "'fill_value' needs fill = \"constant\"";
    if (o.loss.value_or(blocks ? "masked" : "full") == "masked" && o.outside_weight != 1)
      return "'outside_weight' needs loss = \"full\"";
    return "";
  });
}

}  // namespace covector::inpainting
