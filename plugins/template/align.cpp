#include "align.h"

#include "covector/losses/consistency_loss.h"

#include <torch/types.h>

namespace covector::align {

// One description serves parsing, error messages, the resolved recipe and the reference page.
void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "Pulls the features of the same voxel in two views together. An example to start a "
          "plug-in from.")
      .source("X. Chen, K. He, Exploring Simple Siamese Representation Learning, CVPR 2021")
      .departure("Per voxel of the finest level instead of per image; a linear predictor.");
  schema.field("crop", &Options::crop)
      .doc("size of both views, one number an axis")
      .unit("voxels")
      .at_least(1);
  schema.field("weight", &Options::weight).doc("factor on the loss").more_than(0.0);
}

Align::Align(const Options& options, std::shared_ptr<Backbone> backbone, const MethodInput&)
    : options_(options),
      // Whatever is registered is trained, moved to the device and written to checkpoints. The
      // backbone must bear this name: it is what goes downstream.
      backbone_(register_module("backbone", std::move(backbone))) {
  // A mistake of the user is a RecipeError: it says where, what, and what would be right.
  if (static_cast<std::int64_t>(options_.crop.size()) != backbone_->dimensions())
    throw RecipeError("[method] 'crop' has " + std::to_string(options_.crop.size()) +
                      " numbers, the images have " + std::to_string(backbone_->dimensions()) +
                      " axes");
  const auto channels = backbone_->channels().back();
  predictor_ = register_module("predictor", std::make_shared<networks::Conv>(
                                                backbone_->dimensions(), channels, channels, 1));
}

// Default chains; a recipe may replace either under [views.first] or [views.second].
std::vector<ViewSpec> Align::views() const {
  const OptionArray size(options_.crop.begin(), options_.crop.end());
  // Both views crop by the same window ("shared"), so that much of one is found in the other.
  const Part crop{{"type", "crop"}, {"size", size}, {"draw", "batch"}, {"shared", true}};
  const Part affine{{"type", "affine"}};
  const Part noise{{"type", "noise"}};
  const Part contrast{{"type", "contrast"}};
  return {{"first", {affine, crop}}, {"second", {crop, noise, contrast}}};
}

StepResult Align::step(Views& views, const StepInfo&) {
  auto& first = views.at("first");
  auto& second = views.at("second");

  // Voxel p of the first view shows what voxel p + u(p) of the second shows. A view knows where in
  // the source each of its voxels came from, whatever the chain did.
  const auto u = first.map().displacement_to(second.map(), first.image().options());

  const auto guess = predictor_->forward(backbone_->pyramid(first.image()).back());
  const auto truth = backbone_->pyramid(second.image()).back().detach();
  const auto distance = losses::consistency_loss(guess, warp(truth, u), inside(u));

  // Logs are detached tensors, read only when a log line is written: nothing here waits for a GPU.
  return {options_.weight * distance, {{"align/cosine_distance", distance.detach()}}};
}

}  // namespace covector::align
