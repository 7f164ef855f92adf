#include "chaitanya.h"

#include "support/catch.h"
#include "support/numeric.h"

#include "covector/losses/collapse.h"
#include "plugins/default_views.h"
#include "plugins/small_backbone.h"

#include <torch/optim/adam.h>
#include <torch/types.h>

#include <cmath>

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
      CHECK(testing::max_gap(step, torch::full({4}, 10.0 / 15)) < 1e-12);
    else
      CHECK((step >= 9.0 / 15 - 1e-12).logical_and(step <= 17.0 / 15 + 1e-12).all().item<bool>());
  }
}

TEST_CASE("Chaitanya et al. learns without collapse in both stages", "[chaitanya][views]") {
  for (const std::int64_t d : {2, 3}) {
    torch::manual_seed(4);
    auto method = make(d);
    const testing::DefaultViews chains(method->views());
    const auto images = testing::wavy_images(8, size_of(d));
    torch::optim::Adam adam(method->parameters(), torch::optim::AdamOptions(3e-3));
    constexpr std::int64_t kSteps = 200;
    std::map<std::string, std::vector<double>> losses;
    for (std::int64_t step = 0; step < kSteps; ++step) {
      const auto phase = method->phases(step, kSteps).front();
      auto views = chains.of(images, step, {phase});
      adam.zero_grad();
      const auto loss = method->step(views, {phase, step, kSteps}).loss;
      loss.backward();
      adam.step();
      method->after_step(step, kSteps);
      REQUIRE(loss.isfinite().item<bool>());
      losses[phase].push_back(loss.item<double>());
    }
    for (const auto* phase : {"global", "local"}) {
      INFO(phase);
      const auto& all = losses.at(phase);
      REQUIRE(all.size() == kSteps / 2);
      const auto mean = [&](std::size_t from) {
        double sum = 0;
        for (std::size_t i = from; i < from + 20; ++i) sum += all[i] / 20;
        return sum;
      };
      CHECK(mean(all.size() - 20) < mean(0));
    }
    method->eval();
    auto views = chains.of(images, kSteps);
    for (const auto& [name, rows] : method->embed(views)) {
      INFO(name);
      const auto width = static_cast<double>(rows.first.size(1));
      CHECK(losses::collapse(rows.first, rows.second).std.item<double>() > 0.1 / std::sqrt(width));
    }
  }
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
