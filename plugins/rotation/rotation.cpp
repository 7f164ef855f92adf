#include "rotation.h"

#include "covector/datasets/view_pictures.h"
#include "covector/networks/pooling.h"
#include "covector/transforms/chains.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>

namespace covector::rotation {
namespace {

using transforms::part;

constexpr std::int64_t kLeastClasses = 4;
constexpr double kForgetting = 0.99;  // of the confusion matrix, a step

bool equal_sides(const std::vector<std::int64_t>& size, std::size_t axes) {
  return std::all_of(size.end() - static_cast<std::ptrdiff_t>(axes), size.end(),
                     [&](auto side) { return side == size.back(); });
}

std::string text_of(const std::vector<std::int64_t>& size) {
  return to_toml(OptionArray(size.begin(), size.end()));
}

// 4 in 2D; in 3D 10 where the crop is a cube.
std::int64_t classes_of(const std::optional<std::int64_t>& given,
                        const std::vector<std::int64_t>& crop) {
  const auto classes = given.value_or(crop.size() == 3 && equal_sides(crop, 3) ? 10 : 4);
  if (classes == 10 && crop.size() != 3)
    throw RecipeError("[method] 'classes' = 10 turns volumes about three axes; images have 4");
  if (classes == 10 && !equal_sides(crop, 3))
    throw RecipeError("[method] 'classes' = 10 needs a crop with equal sides, got " +
                      text_of(crop) + "; take such a crop, or 4 classes");
  if (!equal_sides(crop, 2))
    throw RecipeError(
        "[method] 'crop' must have equal last two sides to be turned by 90 degrees, "
        "got " +
        text_of(crop));
  return classes;
}

}  // namespace

at::Tensor turned(const at::Tensor& image, std::int64_t label, std::int64_t classes) {
  if (classes == 4) return torch::rot90(image, label, {-2, -1});
  if (label == 0) return image;
  const std::vector<std::int64_t> planes[] = {{-3, -2}, {-2, -1}, {-3, -1}};
  return torch::rot90(image, (label - 1) % 3 + 1, planes[(label - 1) / 3]);
}

Rotation::Rotation(const Options& options, std::shared_ptr<Backbone> backbone,
                   const MethodInput& input)
    : options_(options), backbone_(register_module("backbone", std::move(backbone))) {
  all_ = options.rotations.value_or(backbone_->dimensions() == 2 ? "all" : "one") == "all";
  options_.crop = transforms::view_size("crop", options.crop, *backbone_,
                                        all_ ? kLeastClasses * input.batch : input.batch);
  classes_ = classes_of(options.classes, options_.crop);
  classifier_ = register_module(
      "classifier", std::make_shared<networks::Linear>(backbone_->encoder_channels(), classes_));
  const torch::NoGradGuard no_grad;
  classifier_->bias.zero_();
  confusion_ = register_buffer("confusion", torch::zeros({classes_, classes_}));
}

std::vector<ViewSpec> Rotation::views() const {
  // One mirrored axis alone: two of them would be a turn by 180 degrees.
  std::vector<double> flip(options_.crop.size(), 0.0);
  flip.back() = 0.5;
  return {
      {.name = "image",
       .chain = {part("crop", {{"size", OptionArray(options_.crop.begin(), options_.crop.end())}}),
                 part("flip", {{"axis_probability", OptionArray(flip.begin(), flip.end())}})},
       .phase = ""}};
}

Rotation::Turned Rotation::turn(const at::Tensor& image) const {
  std::vector<at::Tensor> copies;
  std::vector<std::int64_t> labels;
  const auto add = [&](const at::Tensor& rows, std::int64_t label) {
    copies.push_back(turned(rows, label, classes_));
    labels.insert(labels.end(), rows.size(0), label);
  };
  if (all_) {
    for (std::int64_t label = 0; label < classes_; ++label) add(image, label);
  } else {
    // Classes in random order, one after another: as balanced as the batch allows.
    const auto order = torch::randperm(classes_, torch::kInt64);
    for (std::int64_t n = 0; n < image.size(0); ++n)
      add(image.narrow(0, n, 1), order[n % classes_].item<std::int64_t>());
  }
  return {torch::cat(copies), torch::tensor(labels, torch::kInt64).to(image.device())};
}

at::Tensor Rotation::scores(const at::Tensor& image) {
  return classifier_->forward(networks::pool_global(backbone_->encode(image)));
}

void Rotation::count(const at::Tensor& label, const at::Tensor& scores) {
  const torch::NoGradGuard no_grad;
  const auto rows = [&](const at::Tensor& which) {
    return at::one_hot(which, classes_).to(confusion_.scalar_type());
  };
  confusion_.mul_(kForgetting).add_(torch::matmul(rows(label).t(), rows(scores.argmax(1))));
}

StepResult Rotation::step(Views& views, const StepInfo& info) {
  const auto copies = turn(views.at("image").image());
  const auto s = scores(copies.image);
  const auto wide = s.scalar_type() == torch::kFloat64 ? s : s.to(torch::kFloat32);
  const auto loss = at::cross_entropy_loss(wide, copies.label);
  count(copies.label, s);
  if (!info.logged) return {loss, {}};

  Logs logs{{"rotation/accuracy", (s.argmax(1) == copies.label).to(torch::kFloat32).mean()}};
  for (std::int64_t label = 0; label < classes_; ++label)
    logs["rotation/accuracy_class_" + std::to_string(label)] =
        confusion_[label][label] / confusion_[label].sum().clamp_min(1e-12);
  return {loss, logs};
}

void Rotation::draw(Views& views, const std::filesystem::path& folder) {
  const torch::NoGradGuard no_grad;
  const auto& image = views.at("image").image();
  datasets::PictureFolder out(folder);
  for (std::int64_t n = 0; n < datasets::drawn_samples(image); ++n) {
    // Each sample turned by another class.
    const auto label = n % classes_;
    const auto copy = turned(image.narrow(0, n, 1), label, classes_);
    const auto guess = scores(copy).argmax(1).item<std::int64_t>();
    out.add(std::to_string(n) + "-turned", datasets::view_picture(datasets::plane(copy, 0)),
            "turned by class " + std::to_string(label) + ", taken for " + std::to_string(guess));
  }
  const auto share = confusion_ / confusion_.sum(1, true).clamp_min(1e-12);
  out.add("confusion", datasets::heat_view(share.unsqueeze(0), 0, 1),
          "true class (rows) and predicted class (columns), black never to yellow always");
}

}  // namespace covector::rotation
