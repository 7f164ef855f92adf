#include "vader.h"

#include "support/catch.h"

#include "covector/losses/collapse.h"
#include "plugins/default_views.h"
#include "plugins/small_backbone.h"

#include <torch/optim/adam.h>
#include <torch/types.h>

#include <cmath>

/// The default views with the real transforms, opened from their plug-in.
namespace covector::vader {
namespace {

std::shared_ptr<Vader> make(std::int64_t dimensions, bool anchor = true) {
  Options options;
  options.crop = {16};
  options.pixels = 16;
  options.embedding = 8;
  options.queue = 512;
  options.anchor = anchor;
  const InputSpec input{1, dimensions};
  auto method = std::make_shared<Vader>(options, std::make_shared<testing::SmallBackbone>(input),
                                        MethodInput{input, 8});
  method->to(torch::kFloat32);
  return method;
}

std::vector<std::int64_t> size_of(std::int64_t dimensions) {
  return dimensions == 2 ? std::vector<std::int64_t>{24, 20}
                         : std::vector<std::int64_t>{20, 24, 20};
}

TEST_CASE("both default views contain a voxel of the foreground", "[vader][views]") {
  for (const std::int64_t d : {2, 3}) {
    const auto method = make(d);
    const testing::DefaultViews views(method->views());
    // Bright in one half alone.
    auto shape = size_of(d);
    shape.insert(shape.begin(), {16, 1});
    auto images = torch::zeros(shape);
    images.narrow(-1, 0, 10).fill_(1);
    for (std::int64_t step = 0; step < 5; ++step) {
      auto seen = views.of(images, step);
      const auto& first = seen.at("first").map();
      const auto& second = seen.at("second").map();
      CHECK_FALSE(torch::equal(first.matrix(), second.matrix()));
      const auto shown = shown_in(second, positions_in(second, first, torch::kCPU));
      CHECK(shown.flatten(1).any(1).all().item<bool>());
    }
  }
}

TEST_CASE("without an anchor windows lie anywhere", "[vader][views]") {
  for (const auto& spec : make(2, false)->views())
    for (const auto& element : spec.chain) {
      CHECK(element.find("anchor") == nullptr);
      CHECK(element.find("shared") == nullptr);
    }
}

TEST_CASE("VADeR learns without collapse on its default views", "[vader][views]") {
  for (const std::int64_t d : {2, 3}) {
    torch::manual_seed(4);
    auto method = make(d);
    const testing::DefaultViews views(method->views());
    const auto images = testing::wavy_images(8, size_of(d));
    torch::optim::Adam adam(method->parameters(), torch::optim::AdamOptions(3e-3));
    // The queue is full of the network's own keys after 4 steps.
    const std::int64_t steps = 200;
    double first = 0;
    double last = 0;
    for (std::int64_t step = 0; step < steps; ++step) {
      auto seen = views.of(images, step);
      adam.zero_grad();
      const auto loss = method->step(seen, {"train", step, steps}).loss;
      loss.backward();
      adam.step();
      method->after_step(step, steps);
      REQUIRE(loss.isfinite().item<bool>());
      if (step >= 5 && step < 25) first += loss.item<double>() / 20;
      if (step >= steps - 20) last += loss.item<double>() / 20;
    }
    CHECK(last < first - 0.1);
    auto seen = views.of(images, steps);
    const auto z = method->embed(seen).at("z");
    REQUIRE(z.first.size(0) > 20);
    CHECK(losses::collapse(z.first, z.second).std.item<double>() > 0.1 / std::sqrt(8.0));
  }
}

}  // namespace
}  // namespace covector::vader
