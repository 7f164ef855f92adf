#include "support/catch.h"
#include "support/numeric.h"

#include "covector/transforms/intensity/jitter.h"
#include "sources.h"

#include <torch/types.h>

#include <cmath>

using namespace covector;
using namespace covector::transforms;
using covector::testing::batch_of;
using covector::testing::independent;
using covector::testing::made;
using covector::testing::max_gap;
using covector::testing::mean_is;
using covector::testing::only_applied_change;
using covector::testing::speckle;

namespace {

at::Tensor numbers(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64);
}

at::Tensor four(const std::vector<double>& values) {
  return numbers(values).view({1, 1, 2, 2});
}

}  // namespace

TEST_CASE("jitter and solarise of four pixels worked out by hand", "[transforms]") {
  const auto x = four({0.2, 0.4, 0.6, 0.9});  // mean 0.525
  const auto jittered = [&](double b, double c, double b_first) {
    return jitter(x, numbers({b}), numbers({c}), numbers({b_first}));
  };
  CHECK(max_gap(jittered(1.4, 1, 1), four({0.28, 0.56, 0.84, 1})) < 1e-15);
  CHECK(max_gap(jittered(1, 0.6, 1), four({0.33, 0.45, 0.57, 0.75})) < 1e-15);
  CHECK(max_gap(jittered(1.4, 0.6, 1), four({0.436, 0.604, 0.772, 0.868})) < 1e-15);
  CHECK(max_gap(jittered(1.4, 0.6, 0), four({0.462, 0.63, 0.798, 1})) < 1e-15);
  CHECK(max_gap(solarise(x, 0.5), four({0.2, 0.4, 0.4, 0.1})) < 1e-15);
  CHECK(max_gap(solarise(x, 0.6), four({0.2, 0.4, 0.4, 0.1})) < 1e-15);  // >=
}

TEST_CASE("each sample is jittered by its own factors in its own order", "[transforms]") {
  const auto x = four({0.2, 0.4, 0.6, 0.9}).repeat({2, 1, 1, 1});
  const auto both = jitter(x, numbers({1.4, 1.4}), numbers({0.6, 0.6}), numbers({1, 0}));
  CHECK(max_gap(both[0], four({0.436, 0.604, 0.772, 0.868})[0]) < 1e-15);
  CHECK(max_gap(both[1], four({0.462, 0.63, 0.798, 1})[0]) < 1e-15);
}

TEST_CASE("factors of a jitter are uniform in 1 +- strength", "[transforms]") {
  const auto x = numbers({0.2, 0.6}).view({1, 1, 1, 2}).repeat({4000, 1, 1, 1});  // mean 0.4
  const auto drawn = [&](double brightness, double contrast) {
    JitterOptions options;
    options.brightness = brightness;
    options.contrast = contrast;
    return made(Jitter(options), batch_of(x)).image().select(3, 0).flatten();
  };
  const auto b = drawn(0.3, 0) / 0.2;
  CHECK(b.min().item<double>() >= 0.7);
  CHECK(b.max().item<double>() <= 1.3);
  CHECK(mean_is(b, 1, 0.6 / std::sqrt(12)));
  const auto c = (0.4 - drawn(0, 0.5)) / 0.2;
  CHECK(c.min().item<double>() >= 0.5 - 1e-12);
  CHECK(c.max().item<double>() <= 1.5 + 1e-12);
  CHECK(mean_is(c, 1, 1 / std::sqrt(12)));
}

TEST_CASE("jitter comes in both orders equally often", "[transforms]") {
  JitterOptions options;
  options.brightness = options.contrast = 0.4;
  const auto batch = batch_of(numbers({0.2, 0.9}).view({1, 1, 1, 2}).repeat({4000, 1, 1, 1}));
  auto draws = testing::draws_of(4000);
  const auto b = draws.uniform(0.6, 1.4);
  const auto c = draws.uniform(0.6, 1.4);
  const auto image = made(Jitter(options), batch).image();
  const auto first = jitter(batch.image, b, c, torch::ones({4000}, torch::kFloat64));
  const auto last = jitter(batch.image, b, c, torch::zeros({4000}, torch::kFloat64));
  const auto is_first = (image - first).abs().flatten(1).amax(1) < 1e-12;
  const auto is_last = (image - last).abs().flatten(1).amax(1) < 1e-12;
  CHECK(is_first.logical_or(is_last).all().item<bool>());
  const auto told = is_first.logical_and(is_last).logical_not();
  CHECK(told.sum().item<std::int64_t>() > 1000);
  CHECK(mean_is(is_first.masked_select(told).to(torch::kFloat64), 0.5, 0.5));
}

TEST_CASE("jitter and solarise change sample by sample, in place, in 2D and 3D", "[transforms]") {
  for (const auto& size : {std::vector<std::int64_t>{5, 8}, {3, 4, 5}}) {
    const auto batch = speckle(3, 2, size);
    const auto check = [&](const Transform& transform) {
      CHECK(independent(transform, batch));
      CHECK(only_applied_change(transform, batch, {0, 1, 0}));
      const auto view = made(transform, batch);
      CHECK(torch::equal(view.map().matrix(), SpatialMap::identity(3, size).matrix()));
    };
    check(Jitter(JitterOptions{}));
    check(Solarise(SolariseOptions{}));
  }
}

TEST_CASE("jitter says what is wrong", "[transforms][errors]") {
  const auto x = torch::zeros({2, 1, 3, 3});
  const auto two = numbers({1, 1});
  CHECK_THROWS_WITH(jitter(x, numbers({1}), two, two), "brightness: expected [2], got [1]");
  CHECK_THROWS_WITH(jitter(x, two, numbers({1}), two), "contrast: expected [2], got [1]");
  CHECK_THROWS_WITH(jitter(x, two, two, numbers({1})), "brightness_first: expected [2], got [1]");
  CHECK_THROWS_WITH(schema_of<JitterOptions>().parse(OptionTable{{"contrast", 1.5}}, "views.v"),
                    Catch::Contains("'contrast' must be between 0.0 and 1.0"));
}
