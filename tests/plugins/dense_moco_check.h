#pragma once

#include "support/catch.h"
#include "support/numeric.h"
#include "support/scratch_folder.h"

#include "covector/losses/collapse.h"
#include "covector/networks/dense_moco.h"
#include "plugins/default_views.h"
#include "plugins/method_checks.h"
#include "plugins/small_backbone.h"
#include "unet.h"

#include <ATen/autocast_mode.h>
#include <torch/optim/adam.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// What is to hold for the methods with two branches of momentum contrast, on views "query" and
/// "key". `Made` and `Options` are the plug-in's.
namespace covector::testing {

/// Sizes and queues that finite differences can bear.
inline void make_small(networks::DenseMocoOptions& options) {
  options.crop = {8, 12};
  options.cells = 2;
  options.hidden = 6;
  options.embedding = 3;
  options.queue = 7;
  options.dense_queue = 5;
}

template <class Made, class Options>
std::shared_ptr<Made> make_dense(Options options, std::int64_t dimensions = 2,
                                 std::int64_t batch = 2) {
  torch::manual_seed(5);
  if (dimensions == 3 && options.crop.size() > 1) options.crop = {8, 12, 4};
  const InputSpec input{1, dimensions};
  auto method = std::make_shared<Made>(options, std::make_shared<SmallBackbone>(input),
                                       MethodInput{input, batch});
  method->to(torch::kFloat64);
  return method;
}

/// Two windows of one image, neither square nor cubic, that overlap in part.
inline Views two_windows(std::int64_t dimensions = 2, std::int64_t batch = 2,
                         torch::ScalarType type = torch::kFloat64) {
  std::vector<std::int64_t> source{batch, 1, 12, 14, 6};
  std::vector<std::int64_t> window{8, 12, 4};
  source.resize(dimensions + 2);
  window.resize(dimensions);
  const Batch image{torch::rand(source, type), {}, std::vector<std::string>(batch, "x"), {}};
  Views views;
  for (const auto& [name, offset] : {std::pair("query", 0.0), std::pair("key", 2.0)}) {
    View view(image);
    view.resample(
        SpatialMap::translation(torch::full({batch, dimensions}, offset, torch::kFloat64), window));
    views.emplace(name, std::move(view));
  }
  return views;
}

inline std::shared_ptr<networks::DenseMoco> moco_of(const torch::nn::Module& method) {
  return std::dynamic_pointer_cast<networks::DenseMoco>(method.named_children()["moco"]);
}

// ---- the formulas, one pair at a time -----------------------------------------------------------

inline at::Tensor unit_row(const at::Tensor& row) {
  return row / row.norm();
}

/// -log( e^{q k / t} / (e^{q k / t} + sum_n e^{q n / t}) ) of rows that need not have unit length.
inline double nce(const at::Tensor& query, const at::Tensor& key, const at::Tensor& negatives,
                  double temperature) {
  const auto q = unit_row(query);
  const auto positive = std::exp(q.dot(unit_row(key)).item<double>() / temperature);
  double all = positive;
  for (std::int64_t n = 0; n < negatives.size(0); ++n)
    all += std::exp(q.dot(negatives[n]).item<double>() / temperature);
  return -std::log(positive / all);
}

inline double mean_image_nce(const networks::DenseMoco::Features& query,
                             const networks::DenseMoco::Features& key, const at::Tensor& queue,
                             double temperature) {
  double sum = 0;
  for (std::int64_t n = 0; n < query.image.size(0); ++n)
    sum += nce(query.image[n], key.image[n], queue, temperature);
  return sum / static_cast<double>(query.image.size(0));
}

/// Cells of the key view by falling cosine to a cell of the query view, in one sample.
inline std::vector<std::int64_t> by_cosine(const at::Tensor& cell, const at::Tensor& others) {
  std::vector<std::int64_t> order(others.size(0));
  std::vector<double> cosine(others.size(0));
  for (std::size_t j = 0; j < order.size(); ++j) {
    order[j] = static_cast<std::int64_t>(j);
    cosine[j] = unit_row(cell).dot(unit_row(others[order[j]])).item<double>();
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return cosine[a] > cosine[b]; });
  return order;
}

// ---- what all of them must do -------------------------------------------------------------------

/// One step in 2D and 3D, also with a batch of 1: a finite loss, a gradient in the backbone's
/// coarsest and finest level and in all heads, none in the copies.
template <class Made, class Options>
void check_whole_step(const Options& options) {
  for (const std::int64_t d : {2, 3})
    for (const std::int64_t batch : {1, 3}) {
      const auto method = make_dense<Made>(options, d, batch);
      CHECK(method->transfers() == Transfer::network);
      auto views = two_windows(d, batch);
      const auto result = method->step(views, {"train", 1000, 2000, true});
      REQUIRE(result.loss.dim() == 0);
      REQUIRE(result.loss.isfinite().template item<bool>());
      for (const auto& [name, value] : result.logs) {
        INFO(name);
        CHECK(value.isfinite().template item<bool>());
        CHECK_FALSE(value.requires_grad());
      }
      CHECK_FALSE(result.logs.empty());
      CHECK(method->step(views, {"train", 1000, 2000, false}).logs.empty());
      result.loss.backward();
      for (const auto& item : method->named_parameters()) {
        INFO(item.key());
        const bool copied = item.key().rfind("moco.key_", 0) == 0;
        const bool unused = item.key() == "backbone.weight1" || item.key() == "backbone.bias1";
        CHECK(item.value().requires_grad() == !copied);
        CHECK(item.value().grad().defined() == !(copied || unused));
      }
    }
}

/// The gradient of a whole step against central differences in every trained parameter but those
/// whose names start with `left_out`.
template <class Made, class Options>
void check_step_gradient(const Options& options, const std::string& left_out = " ") {
  const auto method = make_dense<Made>(options);
  auto views = two_windows();
  const auto loss = [&] {
    torch::manual_seed(3);
    return method->step(views, {"train", 1000, 2000, false}).loss;
  };
  loss().backward();
  for (const auto& item : method->named_parameters()) {
    if (!item.value().grad().defined() || item.key().rfind(left_out, 0) == 0) continue;
    const torch::NoGradGuard no_grad;
    auto flat = item.value().detach().view({-1});
    auto numeric = torch::zeros_like(flat);
    for (std::int64_t i = 0; i < flat.numel(); ++i) {
      const auto kept = flat[i].template item<double>();
      flat[i] = kept + 1e-6;
      const auto above = loss().template item<double>();
      flat[i] = kept - 1e-6;
      const auto below = loss().template item<double>();
      flat[i] = kept;
      numeric[i] = (above - below) / 2e-6;
    }
    INFO(item.key());
    CHECK(max_gap(item.value().grad().flatten(), numeric) < 1e-7);
    CHECK(numeric.abs().max().template item<double>() > 1e-5);
  }
}

/// After a step the queues hold its keys, and the copies have moved.
template <class Made, class Options>
void check_queues(const Options& options) {
  const auto method = make_dense<Made>(options);
  const auto moco = moco_of(*method);
  auto views = two_windows();
  const auto key = moco->key(views.at("key").image());
  method->step(views, {"train", 0, 10, false});
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : method->parameters()) parameter.add_(parameter.requires_grad() ? 1 : 0);
  }
  method->after_step(0, 10);
  for (std::int64_t n = 0; n < 2; ++n) {
    CHECK(max_gap(moco->image_queue().keys()[n], unit_row(key.image[n])) < 1e-12);
    CHECK(max_gap(moco->dense_queue().keys()[n], unit_row(key.dense[n].mean(0))) < 1e-12);
  }
  CHECK(moco->image_queue().pointer() == 2);
  CHECK(moco->dense_queue().pointer() == 2);
  const auto named = method->named_parameters();
  const auto gap = named["backbone.weight0"] - named["moco.key_backbone.weight0"];
  CHECK(max_gap(gap, torch::full_like(gap, options.momentum)) < 1e-12);
}

template <class Made, class Options>
void check_resumes(const Options& options) {
  check_copy_goes_on([&] { return make_dense<Made>(options); }, [] { return two_windows(); });
}

/// The loss stays float32 under bfloat16 autocast and close to what it is without.
template <class Made, class Options>
void check_bfloat16(const Options& options) {
  const auto method = make_dense<Made>(options);
  method->to(torch::kFloat32);
  auto views = two_windows(2, 2, torch::kFloat32);
  const auto loss = [&] {
    torch::manual_seed(3);
    return method->step(views, {"train", 0, 10}).loss;
  };
  const auto full = loss();
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const auto half = loss();
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  CHECK(half.scalar_type() == torch::kFloat32);
  CHECK(half.template item<double>() != full.template item<double>());  // autocast was on
  CHECK(half.template item<double>() == Approx(full.template item<double>()).margin(0.1));
}

template <class Made, class Options>
void check_draw(const Options& options) {
  for (const std::int64_t d : {2, 3}) {
    const auto method = make_dense<Made>(options, d);
    auto views = two_windows(d);
    const ScratchFolder folder;
    const torch::NoGradGuard no_grad;
    method->draw(views, folder.path());
    for (const auto* name : {"0-query.png", "0-key.png", "1-key.png", "pictures.json"})
      CHECK(std::filesystem::exists(folder / name));
  }
}

template <class Made, class Options>
void check_embed(const Options& options) {
  const auto method = make_dense<Made>(options);
  method->eval();
  auto views = two_windows();
  const auto got = method->embed(views);
  const auto wanted = moco_of(*method)->embed(views.at("query").image(), views.at("key").image());
  REQUIRE(got.size() == 3);
  for (const auto* name : {"h", "z", "z_global"}) {
    CHECK(torch::equal(got.at(name).first, wanted.at(name).first));
    CHECK(torch::equal(got.at(name).second, wanted.at(name).second));
  }
}

/// 200 steps of a narrow U-Net on 8 images with the default views and the real transforms: the loss
/// falls by `fall` from its level once the queues are filled, and neither embedding collapses; in
/// 3D those named by `spread_in_3d`.
template <class Made, class Options>
void check_learns(Options options, double fall,
                  const std::vector<std::string>& spread_in_3d = {"z", "z_global"}) {
  options.crop = {16};
  options.cells = 4;
  options.hidden = 32;
  options.embedding = 16;
  options.queue = options.dense_queue = 64;
  unet::Options narrow;
  narrow.channels = {8, 8, 8, 16, 32, 16, 8, 8, 8};
  for (const std::int64_t d : {2, 3}) {
    torch::manual_seed(4);
    const InputSpec input{1, d};
    Made method(options, std::make_shared<unet::Unet>(narrow, input), MethodInput{input, 8});
    const DefaultViews views(method.views());
    // Each with a brightness of its own, so that whole views can be told apart.
    const auto brightness = torch::linspace(0.2, 1.0, 8)
                                .view(d == 2 ? std::vector<std::int64_t>{8, 1, 1, 1}
                                             : std::vector<std::int64_t>{8, 1, 1, 1, 1});
    const auto images = brightness * wavy_images(8, d == 2 ? std::vector<std::int64_t>{40, 36}
                                                           : std::vector<std::int64_t>{20, 24, 20});
    torch::optim::Adam adam(method.parameters(), torch::optim::AdamOptions(1e-3));
    constexpr std::int64_t kSteps = 200;
    constexpr std::int64_t kFilled = 64 / 8;
    double first = 0;
    double last = 0;
    for (std::int64_t step = 0; step < kSteps; ++step) {
      auto seen = views.of(images, step);
      adam.zero_grad();
      const auto loss = method.step(seen, {"train", step, kSteps, false}).loss;
      loss.backward();
      adam.step();
      method.after_step(step, kSteps);
      REQUIRE(loss.isfinite().template item<bool>());
      if (kFilled <= step && step < kFilled + 20) first += loss.template item<double>() / 20;
      if (step >= kSteps - 20) last += loss.template item<double>() / 20;
    }
    INFO(d << "D, from " << first << " to " << last);
    CHECK(last < first - fall);
    method.eval();
    auto seen = views.of(images, kSteps);
    const auto embeddings = method.embed(seen);
    for (const auto& name : d == 2 ? std::vector<std::string>{"z", "z_global"} : spread_in_3d) {
      const auto& rows = embeddings.at(name);
      INFO(name);
      const auto even = 1 / std::sqrt(static_cast<double>(rows.first.size(1)));
      CHECK(losses::collapse(rows.first, rows.second).std.template item<double>() > 0.1 * even);
    }
  }
}

/// Errors that all share.
template <class Made, class Options>
void check_shared_errors(Options options) {
  options.crop = {8, 8};
  const InputSpec input{1, 3};
  const auto make = [&] {
    Made(options, std::make_shared<SmallBackbone>(input), MethodInput{input, 2});
  };
  CHECK_THROWS_WITH(make(), "[method] 'crop' has 2 numbers, the images have 3 axes");
  options.crop = {8};
  options.cells = 9;
  CHECK_THROWS_WITH(make(),
                    "[method] 'cells' is 9, more than the shortest side of 'crop', which has 8 "
                    "voxels");
}

}  // namespace covector::testing
