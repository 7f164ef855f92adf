#include "segmentation.h"

#include "covector/losses/segmentation_loss.h"
#include "covector/networks/frozen.h"
#include "covector/networks/inference.h"
#include "covector/networks/sides.h"
#include "covector/networks/standardise.h"
#include "covector/transforms/training_view.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <string>

namespace covector::segmentation {

Segmentation::Segmentation(const Options& options, std::shared_ptr<Backbone> backbone,
                           const TaskInput& input)
    : options_(options), dimensions_(input.input.dimensions), classes_(input.classes) {
  options_.crop = networks::sides_of("crop", options_.crop, dimensions_);
  options_.window = networks::sides_of("window", options_.window, dimensions_);
  if (classes_.size() < 2)
    throw RecipeError("[task] is not valid:\n  the dataset names " +
                      std::to_string(classes_.size()) +
                      " classes; segmentation needs background and at least one more: give "
                      "[dataset.labels] groups");
  backbone_ = register_module("backbone", std::move(backbone));
  for (const auto& item : backbone_->named_parameters())
    if (!learns(item.key())) item.value().set_requires_grad(false);

  if (!options_.crop.empty() && !is_frozen())
    backbone_->check_batch(networks::rounded_up(options_.crop, backbone_->size_divisor()),
                           input.batch);

  const auto channels = backbone_->channels().back();
  head_ = register_module("head", std::make_shared<networks::Conv>(
                                      dimensions_, channels, class_count(), options_.head_kernel));
  if (options_.mode == "linear_probe" && options_.features == "standardised") {
    feature_mean_ = register_buffer("feature_mean", torch::zeros(channels));
    feature_deviation_ = register_buffer("feature_deviation", torch::ones(channels));
  }
  Segmentation::train(true);
}

bool Segmentation::learns(const std::string& name) const {
  if (is_frozen()) return false;
  if (options_.train == "all") return true;
  return backbone_->in_encoder(name) == (options_.train == "encoder+head");
}

void Segmentation::train(bool on) {
  Module::train(on);
  if (on) networks::train_parts(*backbone_, [this](const auto& name) { return learns(name); });
}

ViewSpec Segmentation::view() const {
  return transforms::training_view(options_.crop, options_.augment == "light");
}

SlidingWindow Segmentation::window() const {
  return {.size = options_.window.empty() ? options_.crop : options_.window,
          .overlap = options_.overlap,
          .batch = options_.window_batch,
          .divisor = backbone_->size_divisor()};
}

at::Tensor Segmentation::features(const at::Tensor& image) {
  const auto size = image.sizes().slice(2);
  // A frozen backbone builds no graph.
  const torch::AutoGradMode graph(at::GradMode::is_enabled() && !is_frozen());
  const auto padded =
      networks::padded_to(image, networks::rounded_up(size, backbone_->size_divisor()));
  const auto finest = backbone_->pyramid(padded).back();
  const auto stride = backbone_->strides().back();
  return networks::cropped_to(
      stride == 1 ? finest : networks::upsample_linear(finest, stride, false), size);
}

at::Tensor Segmentation::standardised(const at::Tensor& features) const {
  if (!feature_mean_.defined()) return features;
  return networks::standardised(features, feature_mean_, feature_deviation_);
}

at::Tensor Segmentation::logits(const at::Tensor& image) {
  return head_->forward(standardised(features(image)));
}

at::Tensor Segmentation::segment(const at::Tensor& image) {
  const networks::Inference inference(*this);
  return predict_by_windows(image, window(), [this](const at::Tensor& x) { return logits(x); })
      .argmax(1, /*keepdim=*/true);
}

void Segmentation::begin(const TrainingImages& images) {
  if (!feature_mean_.defined()) return;
  const networks::Inference inference(*this);
  networks::ChannelStatistics seen;
  for (std::int64_t i = 0; i < images.size; ++i)
    seen.add(predict_by_windows(images.get(i).image, window(),
                                [this](const auto& x) { return features(x); }));
  if (seen.empty()) throw DataError("task 'segmentation': there is no training image");
  feature_mean_.copy_(seen.mean());
  feature_deviation_.copy_(seen.deviation());
}

void Segmentation::check_labelled(bool has_label, const std::string& id) const {
  if (!has_label) throw DataError("task 'segmentation': image '" + id + "' has no label");
}

StepResult Segmentation::step(View& view) {
  const auto label = view.label();
  check_labelled(label.has_value(), view.ids().at(0));
  const auto scores = logits(view.image());
  const auto dice = losses::dice_loss(
      scores, *label,
      options_.dice == "gvsl" ? losses::DiceForm::gvsl : losses::DiceForm::transunet);
  const auto entropy =
      losses::cross_entropy(scores, *label,
                            options_.cross_entropy == "gvsl" ? losses::CrossEntropyForm::gvsl
                                                             : losses::CrossEntropyForm::standard);
  return {options_.dice_weight * dice + options_.cross_entropy_weight * entropy,
          {{"segmentation/dice_loss", dice.detach()},
           {"segmentation/cross_entropy", entropy.detach()}}};
}

}  // namespace covector::segmentation
