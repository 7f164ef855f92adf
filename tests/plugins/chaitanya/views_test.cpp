#include "chaitanya.h"

#include "support/catch.h"
#include "support/numeric.h"

#include "covector/losses/collapse.h"
#include "plugins/default_views.h"
#include "plugins/small_backbone.h"
#include "unet.h"

#include <torch/optim/adam.h>
#include <torch/types.h>

#include <cmath>
#include <numeric>

/// The default views with the real transforms, opened from their plug-in.
namespace covector::chaitanya {
namespace {

std::shared_ptr<Chaitanya> make(std::int64_t dimensions, Options options = {}) {
  options.crop = {16};
  options.hidden = 32;
  options.embedding = 8;
  const InputSpec input{1, dimensions};
  auto method = std::make_shared<Chaitanya>(
      options, std::make_shared<testing::SmallBackbone>(input), MethodInput{input, 8});
  method->to(torch::kFloat32);
  return method;
}

std::vector<std::int64_t> size_of(std::int64_t dimensions) {
  return dimensions == 2 ? std::vector<std::int64_t>{24, 20}
                         : std::vector<std::int64_t>{20, 24, 20};
}

TEST_CASE("local views show one window in different grey levels, global ones two windows",
          "[chaitanya][views]") {
  torch::manual_seed(1);
  for (const std::int64_t d : {2, 3}) {
    const testing::DefaultViews chains(make(d)->views());
    const auto images = testing::wavy_images(4, size_of(d));
    auto local = chains.of(images, 0, {"local"});
    REQUIRE(local.size() == 2);
    auto& first = local.at("local_first");
    auto& second = local.at("local_second");
    CHECK(torch::equal(first.map().matrix(), second.map().matrix()));
    CHECK_FALSE(torch::equal(first.map().matrix()[0], first.map().matrix()[1]));
    CHECK(testing::max_gap(first.image(), second.image()) > 0.05);
    CHECK(first.image().min().item<double>() >= 0);
    CHECK(first.image().max().item<double>() <= 1.5);

    auto global = chains.of(images, 0, {"global"});
    REQUIRE(global.size() == 2);
    const auto& one = global.at("global_first").map();
    CHECK_FALSE(torch::equal(one.matrix(), global.at("global_second").map().matrix()));
    // 2D: 0.52 of the root of 24 x 20 voxels are 11, spread over 16. 3D: 0.5 to 0.9 of each side.
    const auto step = one.matrix().select(1, 0).select(1, 0);
    if (d == 2)
      CHECK(testing::max_gap(step, torch::full({4}, 10.0 / 15, torch::kFloat64)) < 1e-12);
    else
      CHECK((step >= 9.0 / 15 - 1e-12).logical_and(step <= 17.0 / 15 + 1e-12).all().item<bool>());
  }
}

/// The losses of each phase over a run on the default views.
std::map<std::string, std::vector<double>> train(Chaitanya& method,
                                                 const testing::DefaultViews& chains,
                                                 const at::Tensor& images, std::int64_t steps) {
  torch::optim::Adam adam(method.parameters(), torch::optim::AdamOptions(3e-3));
  std::map<std::string, std::vector<double>> losses;
  for (std::int64_t step = 0; step < steps; ++step) {
    const auto phase = method.phases(step, steps).front();
    auto views = chains.of(images, step, {phase});
    adam.zero_grad();
    const auto loss = method.step(views, {phase, step, steps}).loss;
    loss.backward();
    adam.step();
    method.after_step(step, steps);
    losses[phase].push_back(loss.item<double>());
  }
  return losses;
}

// Of the first and the last 20 steps.
std::pair<double, double> ends(const std::vector<double>& losses) {
  const auto mean = [](auto from, auto to) { return std::accumulate(from, to, 0.0) / 20; };
  return {mean(losses.begin(), losses.begin() + 20), mean(losses.end() - 20, losses.end())};
}

void check_spread(Chaitanya& method, Views views) {
  method.eval();
  for (const auto& [name, rows] : method.embed(views)) {
    INFO(name);
    const auto width = static_cast<double>(rows.first.size(1));
    CHECK(losses::collapse(rows.first, rows.second).std.item<double>() > 0.1 / std::sqrt(width));
  }
}

TEST_CASE("both stages learn without collapse on a small U-Net", "[chaitanya][views]") {
  torch::manual_seed(4);
  Options options;
  options.crop = {32};
  options.hidden = 32;
  options.embedding = 16;
  unet::Options network;
  network.channels = {8, 8, 8, 8, 16, 8, 8, 8, 8};
  const InputSpec input;
  Chaitanya method(options, std::make_shared<unet::Unet>(network, input), {input, 8});
  const testing::DefaultViews chains(method.views());
  const auto images = testing::wavy_images(8, {48, 40});
  const auto losses = train(method, chains, images, 200);
  for (const auto* phase : {"global", "local"}) {
    INFO(phase);
    REQUIRE(losses.at(phase).size() == 100);
    const auto [first, last] = ends(losses.at(phase));
    CHECK(last < 0.9 * first);
  }
  check_spread(method, chains.of(images, 200));
}

TEST_CASE("the local stage learns without collapse in 3D", "[chaitanya][views]") {
  torch::manual_seed(4);
  Options options;
  options.global_share = 0;
  const auto method = make(3, options);
  const testing::DefaultViews chains(method->views());
  const auto images = testing::wavy_images(8, size_of(3));
  const auto [first, last] = ends(train(*method, chains, images, 100).at("local"));
  CHECK(last < 0.9 * first);
  check_spread(*method, chains.of(images, 100, {"local"}));
}

TEST_CASE("partitions work on the default views", "[chaitanya][views]") {
  Options options;
  options.positives = "partitions";
  options.queue = 16;
  torch::manual_seed(5);
  auto method = make(3, options);
  const testing::DefaultViews chains(method->views());
  const auto images = testing::wavy_images(4, {20, 24, 20});
  auto views = chains.of(images, 0, {"global"});
  CHECK(views.size() == 3);
  CHECK(views.at("volume").size() == std::vector<std::int64_t>{20, 24, 20});
  const auto loss = method->step(views, {"global"}).loss;
  CHECK(loss.isfinite().item<bool>());
  CHECK(loss.item<double>() > 0);
}

}  // namespace
}  // namespace covector::chaitanya
