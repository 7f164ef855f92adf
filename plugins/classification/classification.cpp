#include "classification.h"

#include "covector/networks/frozen.h"
#include "covector/networks/inference.h"
#include "covector/networks/pooling.h"
#include "covector/networks/sides.h"
#include "covector/networks/standardise.h"
#include "covector/transforms/training_view.h"

#include <torch/types.h>

namespace covector::classification {

Classification::Classification(const Options& options, std::shared_ptr<Backbone> backbone,
                               const TaskInput& input)
    : options_(options), classes_(input.image_classes) {
  options_.crop = networks::sides_of("crop", options_.crop, input.input.dimensions);
  if (classes_.size() < 2)
    throw RecipeError("[task] is not valid:\n  the dataset names " +
                      std::to_string(classes_.size()) +
                      " classes of images; classification needs two or more: give "
                      "[dataset.classes] names");
  backbone_ = register_module("backbone", std::move(backbone));
  for (const auto& item : backbone_->named_parameters())
    if (!learns(item.key())) item.value().set_requires_grad(false);
  if (!options_.crop.empty() && !is_frozen())
    backbone_->check_batch(networks::rounded_up(options_.crop, backbone_->size_divisor()),
                           input.batch);

  const auto channels = backbone_->encoder_channels();
  head_ = register_module("head", std::make_shared<networks::Linear>(
                                      channels, static_cast<std::int64_t>(classes_.size())));
  if (is_frozen() && options_.features == "standardised") {
    feature_mean_ = register_buffer("feature_mean", torch::zeros(channels));
    feature_deviation_ = register_buffer("feature_deviation", torch::ones(channels));
  }
  Classification::train(true);
}

bool Classification::learns(const std::string& name) const {
  return !is_frozen() && backbone_->in_encoder(name);
}

void Classification::train(bool on) {
  Module::train(on);
  if (on) networks::train_parts(*backbone_, [this](const auto& name) { return learns(name); });
}

ViewSpec Classification::view() const {
  return transforms::training_view(options_.crop, options_.augment == "light");
}

at::Tensor Classification::features(const at::Tensor& image) {
  // A frozen encoder builds no graph.
  const c10::AutoGradMode graph(c10::GradMode::is_enabled() && !is_frozen());
  const auto size = networks::rounded_up(image.sizes().slice(2), backbone_->size_divisor());
  return networks::pool_global(backbone_->encode(networks::padded_to(image, size)));
}

at::Tensor Classification::logits(const at::Tensor& image) {
  const auto seen = features(image);
  return head_->forward(feature_mean_.defined()
                            ? networks::standardised(seen, feature_mean_, feature_deviation_)
                            : seen);
}

at::Tensor Classification::log_scores(const at::Tensor& image) {
  const networks::Inference inference(*this);
  return logits(image).to(torch::kFloat64).log_softmax(1).cpu();
}

void Classification::begin(const TrainingImages& images) {
  if (!feature_mean_.defined()) return;
  const networks::Inference inference(*this);
  networks::ChannelStatistics seen;
  for (std::int64_t i = 0; i < images.size; ++i) seen.add(features(images.get(i).image));
  if (seen.empty()) throw DataError("task 'classification': there is no training image");
  feature_mean_.copy_(seen.mean());
  feature_deviation_.copy_(seen.deviation());
}

StepResult Classification::step(View& view) {
  const auto& truth = view.image_class();
  if (!truth)
    throw DataError("task 'classification': image '" + view.ids().at(0) + "' has no class");
  auto scores = logits(view.image());
  scores = scores.to(c10::promoteTypes(scores.scalar_type(), torch::kFloat32));
  const auto right = (scores.detach().argmax(1) == *truth).to(torch::kFloat32).mean();
  return {at::cross_entropy_loss(scores, *truth), {{"classification/accuracy", right}}};
}

}  // namespace covector::classification
