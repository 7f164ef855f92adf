#pragma once

#include "support/scratch_folder.h"

#include "plugins/default_views.h"
#include "plugins/method_checks.h"

#include <ATen/autocast_mode.h>
#include <torch/optim/adam.h>

#include <cmath>
#include <string>
#include <vector>

/// What is to hold for every method that restores a clean view from a damaged one.
namespace covector::testing {

inline std::vector<std::int64_t> restored_crop(std::int64_t dimensions) {
  return dimensions == 2 ? std::vector<std::int64_t>{16, 20}
                         : std::vector<std::int64_t>{16, 20, 16};
}

/// The method on SmallBackbone, float64, with views that are neither square nor cubic.
template <class Made, class Options>
std::shared_ptr<Made> restorer(Options options, std::int64_t dimensions = 2,
                               std::int64_t batch = 3) {
  torch::manual_seed(5);
  options.crop = restored_crop(dimensions);
  const InputSpec input{1, dimensions};
  auto method = std::make_shared<Made>(options, std::make_shared<SmallBackbone>(input),
                                       MethodInput{input, batch});
  method->to(torch::kFloat64);
  return method;
}

/// Its views of images of waves, made by the real transforms.
inline Views restored_views(const Method& method, std::int64_t dimensions, std::int64_t batch = 3,
                            at::ScalarType type = torch::kFloat64) {
  torch::manual_seed(8);
  const auto images = wavy_images(batch, dimensions == 2 ? std::vector<std::int64_t>{24, 28}
                                                         : std::vector<std::int64_t>{20, 24, 20});
  return DefaultViews(method.views()).of(images.to(type));
}

/// A clean and a damaged view as given; `marked` are the voxels that were overwritten.
inline Views given_views(const at::Tensor& clean, const at::Tensor& damaged,
                         const at::Tensor& marked = {}) {
  Views views;
  views.emplace("clean", view_of(clean));
  views.emplace("damaged", view_of(damaged));
  if (marked.defined()) views.at("damaged").mark(marked);
  return views;
}

/// What the output layer answers, from the backbone and the layer's own numbers.
inline at::Tensor output_of(torch::nn::Module& method, const at::Tensor& damaged) {
  const auto backbone = std::dynamic_pointer_cast<Backbone>(method.named_children()["backbone"]);
  const auto weight = method.named_parameters()["output.weight"].flatten();  // one output channel
  const auto bias = method.named_parameters()["output.bias"];
  const auto map = backbone->pyramid(damaged).back();
  return torch::matmul(map.movedim(1, -1), weight).unsqueeze(1) + bias;
}

/// One step in 2D and 3D, of three images and of one: finite, with a gradient everywhere; the
/// damaged view shows the clean one's window.
template <class Made, class Options>
void check_restoration_step(const Options& options, const std::string& name) {
  for (const std::int64_t d : {2, 3})
    for (const std::int64_t batch : {3, 1}) {
      const auto method = restorer<Made>(options, d, batch);
      CHECK(method->transfers() == Transfer::network);
      auto views = restored_views(*method, d, batch);
      CHECK(views.at("clean").size() == restored_crop(d));
      CHECK(torch::equal(views.at("clean").map().matrix(), views.at("damaged").map().matrix()));
      const auto result = method->step(views, {"train", 0, 10, true});
      REQUIRE(result.loss.dim() == 0);
      REQUIRE(result.loss.isfinite().template item<bool>());
      CHECK_FALSE(result.logs.empty());
      for (const auto& [entry, value] : result.logs) {
        INFO(entry);
        CHECK(entry.rfind(name + "/", 0) == 0);
        CHECK(value.isfinite().template item<bool>());
        CHECK_FALSE(value.requires_grad());
      }
      CHECK(method->step(views, {"train", 0, 10, false}).logs.empty());
      result.loss.backward();
      for (const auto& item : method->named_parameters()) {
        INFO(item.key());
        // Only the finest map of this backbone is looked at; its maps do not build on each other.
        const bool coarse = item.key().find("backbone") == 0 && item.key().back() != '2';
        const auto& gradient = item.value().grad();
        if (!coarse)
          CHECK((gradient.defined() && gradient.abs().max().template item<double>() > 0));
      }
      // Its output layer: one weight a channel of the finest map, and a bias.
      CHECK(size_of(*method->named_children()["output"]) == 4 + 1);
    }
}

/// The gradient of the whole step in the output layer is that of finite differences.
template <class Made, class Options>
void check_restoration_gradient(const Options& options) {
  const auto method = restorer<Made>(options);
  auto views = restored_views(*method, 2);
  auto weight = method->named_parameters()["output.weight"];
  const auto start = weight.detach().clone();
  method->step(views, {"train", 0, 10, false}).loss.backward();
  const auto analytic = weight.grad().flatten();
  const torch::NoGradGuard no_grad;
  const auto loss_at = [&](std::int64_t i, double moved) {
    weight.copy_(start);
    weight.view({-1})[i] += moved;
    return method->step(views, {"train", 0, 10, false}).loss.template item<double>();
  };
  for (std::int64_t i = 0; i < start.numel(); ++i)
    CHECK(analytic[i].template item<double>() ==
          Approx((loss_at(i, 1e-6) - loss_at(i, -1e-6)) / 2e-6).epsilon(1e-6));
}

template <class Made, class Options>
void check_restoration_bfloat16(const Options& options) {
  const auto method = restorer<Made>(options);
  method->to(torch::kFloat32);
  auto views = restored_views(*method, 2, 3, torch::kFloat32);
  const auto full = method->step(views, {"train", 0, 10, true}).loss;
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const auto half = method->step(views, {"train", 0, 10, true}).loss;
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  CHECK(half.scalar_type() == torch::kFloat32);
  CHECK(half.template item<double>() != full.template item<double>());  // autocast was on
  CHECK(half.template item<double>() == Approx(full.template item<double>()).epsilon(0.05));
}

template <class Made, class Options>
void check_restoration_draw(const Options& options) {
  for (const std::int64_t d : {2, 3}) {
    const auto method = restorer<Made>(options, d);
    auto views = restored_views(*method, d);
    const ScratchFolder folder;
    method->draw(views, folder.path());
    for (const auto* name :
         {"0-clean.png", "0-damaged.png", "1-restored.png", "2-error.png", "pictures.json"})
      CHECK(std::filesystem::exists(folder / name));
  }
}

/// A hundred steps on the default views: the loss falls to at most `share` of what it was.
template <class Made, class Options>
void check_restoration_learns(const Options& options, double share) {
  for (const std::int64_t d : {2, 3}) {
    const auto method = restorer<Made>(options, d, 4);
    method->to(torch::kFloat32);
    const DefaultViews views(method->views());
    torch::manual_seed(8);
    const auto images = wavy_images(
        4, d == 2 ? std::vector<std::int64_t>{24, 28} : std::vector<std::int64_t>{20, 24, 20});
    torch::optim::Adam adam(method->parameters(), torch::optim::AdamOptions(1e-2));
    constexpr std::int64_t kSteps = 100;
    double first = 0;
    double last = 0;
    for (std::int64_t step = 0; step < kSteps; ++step) {
      auto seen = views.of(images, step);
      adam.zero_grad();
      const auto loss = method->step(seen, {"train", step, kSteps, false}).loss;
      loss.backward();
      adam.step();
      REQUIRE(loss.isfinite().template item<bool>());
      if (step < 10) first += loss.template item<double>();
      if (step >= kSteps - 10) last += loss.template item<double>();
    }
    CHECK(last < share * first);
  }
}

/// Errors that all share.
template <class Made, class Options>
void check_restoration_errors(const Options& options, const std::string& name) {
  check_crop_errors<Made>(options);
  const InputSpec input{1, 2};
  const auto coarse = std::make_shared<SmallBackbone>(input, std::vector<std::int64_t>{6, 5, 4},
                                                      std::vector<std::int64_t>{8, 4, 2});
  const auto make = [&] { return std::make_shared<Made>(options, coarse, MethodInput{input, 3}); };
  CHECK_THROWS_AS(make(), RecipeError);
  CHECK_THROWS_WITH(make(), "[backbone] the finest level has stride 2; method '" + name +
                                "' restores voxels and needs stride 1");
}

}  // namespace covector::testing
