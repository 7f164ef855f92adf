#pragma once

#include "support/catch.h"
#include "support/scratch_folder.h"

#include "covector/losses/collapse.h"
#include "plugins/default_views.h"
#include "plugins/method_checks.h"
#include "plugins/small_backbone.h"
#include "unet.h"

#include <ATen/autocast_mode.h>
#include <torch/optim/adam.h>
#include <torch/types.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

/// What is to hold for every method that compares two views, "first" and "second", as wholes.
/// `Method` and `Options` are the plug-in's; `options` are small ones with crop = {8, 12} in 2D,
/// {8, 12, 4} in 3D.
namespace covector::testing {

inline Views two_views(const at::Tensor& first, const at::Tensor& second) {
  Views views;
  views.emplace("first", view_of(first));
  views.emplace("second", view_of(second));
  return views;
}

/// Random images for both views, neither square nor cubic.
inline Views random_views(std::int64_t batch, std::int64_t dimensions) {
  const auto shape = dimensions == 2 ? std::vector<std::int64_t>{batch, 1, 8, 12}
                                     : std::vector<std::int64_t>{batch, 1, 8, 12, 4};
  return two_views(torch::randn(shape, torch::kFloat64), torch::randn(shape, torch::kFloat64));
}

inline std::vector<std::int64_t> crop_of(std::int64_t dimensions) {
  return dimensions == 2 ? std::vector<std::int64_t>{8, 12} : std::vector<std::int64_t>{8, 12, 4};
}

template <class Made, class Options>
std::shared_ptr<Made> make_method(Options options, std::int64_t batch = 3,
                                  std::int64_t dimensions = 2) {
  torch::manual_seed(5);
  if (options.crop.size() > 1) options.crop = crop_of(dimensions);
  const InputSpec input{1, dimensions};
  auto method = std::make_shared<Made>(options, std::make_shared<SmallBackbone>(input),
                                       MethodInput{input, batch});
  method->to(torch::kFloat64);
  return method;
}

/// One step in 2D and 3D: a finite loss, and a gradient in the encoder and all heads but neither in
/// the decoder nor in copies, whose names start with `copy`.
template <class Made, class Options>
void check_whole_step(const Options& options, const std::string& copy, std::int64_t batch = 3) {
  for (const std::int64_t d : {2, 3}) {
    const auto method = make_method<Made>(options, batch, d);
    CHECK(method->transfers() == Transfer::encoder);
    auto views = random_views(batch * options.crops, d);
    const auto result = method->step(views, {"train", 0, 10, true});
    REQUIRE(result.loss.dim() == 0);
    REQUIRE(result.loss.isfinite().template item<bool>());
    for (const auto& [name, value] : result.logs) {
      INFO(name);
      CHECK(value.isfinite().template item<bool>());
      CHECK_FALSE(value.requires_grad());
    }
    CHECK_FALSE(result.logs.empty());
    CHECK(method->step(views, {"train", 0, 10, false}).logs.empty());
    result.loss.backward();
    for (const auto& item : method->named_parameters()) {
      INFO(item.key());
      const bool copied = !copy.empty() && item.key().rfind(copy, 0) == 0;
      const bool decoder =
          item.key().rfind("backbone.", 0) == 0 && item.key().find('0') == std::string::npos;
      CHECK(item.value().requires_grad() == !copied);
      CHECK(item.value().grad().defined() == !(copied || decoder));
    }
  }
}

/// Rows of "h" and "z" for both views, the same for the same images.
template <class Made, class Options>
void check_embed(const Options& options, std::int64_t width) {
  const auto method = make_method<Made>(options);
  method->eval();
  auto views = random_views(3, 2);
  const auto embeddings = method->embed(views);
  const auto& h = embeddings.at("h");
  CHECK(h.first.sizes() == at::IntArrayRef({3, 6}));
  CHECK(embeddings.at("z").first.sizes() == at::IntArrayRef({3, width}));
  for (const auto& [name, embedding] : embeddings)
    CHECK(embedding.second.sizes() == embedding.first.sizes());
  // h is the mean over the coarsest map.
  const auto backbone = std::dynamic_pointer_cast<Backbone>(method->named_children()["backbone"]);
  const auto map = backbone->pyramid(views.at("second").image()).front();
  CHECK((h.second - map.mean({2, 3})).abs().max().template item<double>() < 1e-12);
  auto swapped = two_views(views.at("second").image(), views.at("first").image());
  const auto gap = method->embed(swapped).at("z").first - embeddings.at("z").second;
  CHECK(gap.abs().max().template item<double>() < 1e-12);
}

template <class Made, class Options>
void check_resumes(const Options& options) {
  check_copy_goes_on([&] { return make_method<Made>(options); }, [] { return random_views(3, 2); });
}

/// The loss stays float32 under bfloat16 autocast and close to what it is without.
template <class Made, class Options>
void check_bfloat16(const Options& options) {
  const auto method = make_method<Made>(options);
  method->to(torch::kFloat32);
  auto wide = random_views(3, 2);
  auto views = two_views(wide.at("first").image().to(torch::kFloat32),
                         wide.at("second").image().to(torch::kFloat32));
  const auto full = method->step(views, {"train", 0, 10}).loss;
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const auto half = method->step(views, {"train", 0, 10}).loss;
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  CHECK(half.scalar_type() == torch::kFloat32);
  CHECK(half.template item<double>() != full.template item<double>());  // autocast was on
  CHECK(half.template item<double>() == Approx(full.template item<double>()).margin(0.05));
}

template <class Made, class Options>
void check_draw(const Options& options) {
  for (const std::int64_t d : {2, 3}) {
    const auto method = make_method<Made>(options, 3, d);
    auto views = random_views(3, d);
    const ScratchFolder folder;
    method->draw(views, folder.path());
    for (const auto* name : {"0-first.png", "0-second.png", "2-second.png", "pictures.json"})
      CHECK(std::filesystem::exists(folder / name));
  }
}

/// Waves of one random direction each, the n-th of 32 with 0.15 x 1.1^n radians a voxel: pictures
/// that a network can tell apart at one glance, [32, 1, *size] in [0, 1], float32.
inline at::Tensor gratings(const std::vector<std::int64_t>& size) {
  const auto grid = voxel_grid(size, torch::kFloat32);
  std::vector<at::Tensor> images;
  for (int n = 0; n < 32; ++n) {
    auto direction = torch::randn({grid.size(1)});
    direction = direction / direction.norm() * 0.15 * std::pow(1.1, n);
    const auto phase = torch::einsum("ncx,c->nx", {grid.flatten(2), direction});
    images.push_back(phase.sin().view(grid.narrow(1, 0, 1).sizes()));
  }
  return (torch::cat(images) + 1) / 2;
}

/// 100 steps of a small U-Net on the default views with the real transforms, all but the smallest
/// crops: the loss of the last 20 is below a value, and the embeddings do not collapse.
template <class Made, class Options>
void check_learns(Options options, double below) {
  torch::manual_seed(4);
  options.crop = {32};
  options.min_share = 0.6;
  const InputSpec input{1, 2};
  unet::Options network;
  network.channels = {8, 8, 8, 16, 32, 8, 8, 8, 8};
  const auto method = std::make_shared<Made>(options, std::make_shared<unet::Unet>(network, input),
                                             MethodInput{input, 8});
  const DefaultViews views(method->views());
  const auto images = gratings({48, 40});
  torch::optim::Adam adam(method->parameters(), torch::optim::AdamOptions(1e-3));
  constexpr std::int64_t kSteps = 100;
  constexpr std::int64_t kLast = 20;
  double last = 0;
  for (std::int64_t step = 0; step < kSteps; ++step) {
    const auto batch = images.index_select(0, torch::randperm(32).narrow(0, 0, 8));
    auto seen = views.of(batch, step);
    adam.zero_grad();
    const auto loss = method->step(seen, {"train", step, kSteps, false}).loss;
    loss.backward();
    adam.step();
    method->after_step(step, kSteps);
    REQUIRE(loss.isfinite().template item<bool>());
    if (step >= kSteps - kLast) last += loss.template item<double>() / kLast;
  }
  CHECK(last < below);
  method->eval();
  auto seen = views.of(images, kSteps);
  const auto z = method->embed(seen).at("z");
  CHECK(losses::collapse(z.first, z.second).level.template item<double>() < 0.5);
}

}  // namespace covector::testing
