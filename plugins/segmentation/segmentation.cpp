#include "segmentation.h"

#include "covector/losses/segmentation_loss.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <string>

namespace covector::segmentation {
namespace {

std::string numbers(const std::vector<std::int64_t>& values) {
  std::string text;
  for (const auto v : values) text += (text.empty() ? "[" : ", ") + std::to_string(v);
  return text + "]";
}

// One number stands for every side; none means that the option is not set.
std::vector<std::int64_t> sides_of(const std::string& name, const std::vector<std::int64_t>& sides,
                                   std::int64_t dimensions) {
  if (sides.size() == 1)
    return std::vector<std::int64_t>(static_cast<std::size_t>(dimensions), sides[0]);
  if (sides.empty() || static_cast<std::int64_t>(sides.size()) == dimensions) return sides;
  throw RecipeError("[task] is not valid:\n  '" + name + "' " + numbers(sides) + " has " +
                    std::to_string(sides.size()) + " sides, but the images have " +
                    std::to_string(dimensions) + " dimensions");
}

// Without gradient and in evaluation mode; the module is left as it was found.
class Inference {
 public:
  explicit Inference(torch::nn::Module& module)
      : module_(module), was_training_(module.is_training()) {
    module_.eval();
  }
  ~Inference() { module_.train(was_training_); }
  Inference(const Inference&) = delete;
  Inference& operator=(const Inference&) = delete;

 private:
  const torch::NoGradGuard no_grad_;
  torch::nn::Module& module_;
  bool was_training_;
};

// A vector of channels in the shape of a feature map.
at::Tensor per_channel(const at::Tensor& vector, std::int64_t dimensions) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(dimensions) + 2, 1);
  shape[1] = -1;
  return vector.view(shape);
}

}  // namespace

Segmentation::Segmentation(const Options& options, std::shared_ptr<Backbone> backbone,
                           const TaskInput& input)
    : options_(options), dimensions_(input.input.dimensions), classes_(input.classes) {
  options_.crop = sides_of("crop", options_.crop, dimensions_);
  options_.window = sides_of("window", options_.window, dimensions_);
  if (classes_.size() < 2)
    throw RecipeError("[task] is not valid:\n  the dataset names " +
                      std::to_string(classes_.size()) +
                      " classes; segmentation needs background and at least one more: give "
                      "[dataset.labels] groups");
  backbone_ = register_module("backbone", std::move(backbone));
  for (const auto& item : backbone_->named_parameters())
    if (!learns(item.key())) item.value().set_requires_grad(false);

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
  // From the outside in, so that a part that learns inside one that does not has the last word.
  for (const auto& module : backbone_->named_modules()) {
    const auto prefix = module.key().empty() ? "" : module.key() + ".";
    auto tensors = module.value()->named_parameters().keys();
    for (const auto& name : module.value()->named_buffers().keys()) tensors.push_back(name);
    if (tensors.empty()) continue;
    const auto some = std::any_of(tensors.begin(), tensors.end(),
                                  [&](const auto& name) { return learns(prefix + name); });
    module.value()->train(on && some);
  }
}

ViewSpec Segmentation::view() const {
  ViewSpec spec{"train", {}};
  const auto light = options_.augment == "light";
  if (light) spec.chain.push_back({{"type", "affine"}, {"degree", 0.5}});
  if (!options_.crop.empty())
    spec.chain.push_back(
        {{"type", "crop"}, {"size", OptionArray(options_.crop.begin(), options_.crop.end())}});
  if (light) {
    spec.chain.push_back({{"type", "contrast"}, {"factor", OptionArray{0.75, 1.25}}});
    spec.chain.push_back({{"type", "brightness"}, {"std", 0.05}});
  }
  return spec;
}

std::vector<at::Tensor> Segmentation::trained() const {
  std::vector<at::Tensor> out;
  for (const auto& parameter : parameters())
    if (parameter.requires_grad()) out.push_back(parameter);
  return out;
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
  const auto padded = padded_to(image, rounded_up(size, backbone_->size_divisor()));
  const auto finest = backbone_->pyramid(padded).back();
  const auto stride = backbone_->strides().back();
  return cropped_to(stride == 1 ? finest : networks::upsample_linear(finest, stride, false), size);
}

at::Tensor Segmentation::standardised(const at::Tensor& features) const {
  if (!feature_mean_.defined()) return features;
  return (features - per_channel(feature_mean_, dimensions_)) /
         per_channel(feature_deviation_, dimensions_);
}

at::Tensor Segmentation::logits(const at::Tensor& image) {
  return head_->forward(standardised(features(image)));
}

at::Tensor Segmentation::segment(const at::Tensor& image) {
  const Inference inference(*this);
  return predict_by_windows(image, window(), [this](const at::Tensor& x) { return logits(x); })
      .argmax(1, /*keepdim=*/true);
}

void Segmentation::begin(const TrainingImages& images) {
  if (!feature_mean_.defined()) return;
  const Inference inference(*this);
  // Sums in float64: the mean of a feature may be large against its spread.
  at::Tensor sum, squares;
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < images.size; ++i) {
    const auto map = predict_by_windows(images.get(i).image, window(),
                                        [this](const auto& x) { return features(x); })
                         .to(torch::kFloat64)
                         .flatten(2);
    const auto first = map.sum(at::IntArrayRef{0, 2});
    const auto second = map.square().sum(at::IntArrayRef{0, 2});
    sum = sum.defined() ? sum + first : first;
    squares = squares.defined() ? squares + second : second;
    count += map.size(0) * map.size(2);
  }
  if (count == 0) throw DataError("task 'segmentation': there is no training image");
  const auto mean = sum / count;
  const auto deviation = (squares / count - mean.square()).clamp_min(0).sqrt();
  // A channel whose spread is rounding alone is constant: it becomes 0, not noise.
  const auto constant = deviation <= 1e-6 * mean.abs();
  feature_mean_.copy_(mean);
  feature_deviation_.copy_(deviation.masked_fill(constant, 1.0));
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
