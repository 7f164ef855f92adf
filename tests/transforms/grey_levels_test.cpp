#include "support/catch.h"
#include "support/numeric.h"

#include "covector/transforms/intensity/grey_levels.h"
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

at::Tensor image(const std::vector<double>& values, at::IntArrayRef shape) {
  return torch::tensor(values, torch::kFloat64).view(shape);
}

at::Tensor numbers(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64);
}

}  // namespace

TEST_CASE("contrast, brightness and gamma of four pixels worked out by hand", "[transforms]") {
  const auto x = image({0.2, 0.4, 0.6, 0.9}, {1, 1, 2, 2});  // mean 0.525
  CHECK(max_gap(contrast(x, numbers({0.6})), image({0.33, 0.45, 0.57, 0.75}, x.sizes())) < 1e-15);
  CHECK(max_gap(brightness(x, numbers({-0.3})), image({-0.1, 0.1, 0.3, 0.6}, x.sizes())) < 1e-15);
  CHECK(max_gap(gamma(x, numbers({1.5})),
                image({0.08944272, 0.25298221, 0.464758, 0.85381497}, x.sizes())) < 5e-9);
  CHECK(max_gap(gamma(image({-0.25, 0, 1, 4}, x.sizes()), numbers({0.5})),
                image({-0.5, 0, 1, 2}, x.sizes())) < 1e-15);
}

TEST_CASE("the mean of a contrast is that of the sample, or of the batch", "[transforms]") {
  // Means 1 and 5, together 3.
  const auto x = image({0, 2, 4, 6}, {2, 1, 1, 2});
  const auto factor = numbers({2, 0});
  CHECK(torch::equal(contrast(x, factor), image({-1, 3, 5, 5}, x.sizes())));
  CHECK(torch::equal(contrast(x, factor, MeanOver::batch), image({-3, 1, 3, 3}, x.sizes())));
  // Channels share it.
  CHECK(torch::equal(contrast(image({0, 2, 4, 6}, {1, 2, 1, 2}), numbers({2})),
                     image({-3, 1, 5, 9}, {1, 2, 1, 2})));
}

TEST_CASE("factors, offsets and exponents are drawn as described", "[transforms]") {
  const auto batch = batch_of(
      torch::tensor({0.0, 2.0}, torch::kFloat64).view({1, 1, 1, 2}).repeat({4000, 1, 1, 1}));
  const auto second = [&](const Transform& transform) {
    return made(transform, batch).image().select(3, 1).flatten();
  };
  const auto factor = second(Contrast(ContrastOptions{})) - 1;  // (2 - 1) f + 1
  CHECK(factor.min().item<double>() >= 0.5);
  CHECK(factor.max().item<double>() <= 1.5);
  CHECK(mean_is(factor, 1, 1 / std::sqrt(12)));
  const auto offset = second(Brightness(BrightnessOptions{})) - 2;
  CHECK(mean_is(offset, 0, 0.1));
  CHECK(mean_is(offset.square(), 0.01, 0.01 * std::sqrt(2)));
  const auto exponent = second(Gamma(GammaOptions{})).log2();
  CHECK(exponent.min().item<double>() >= 0.7 - 1e-12);
  CHECK(exponent.max().item<double>() <= 1.5 + 1e-12);
  const auto low = std::log(0.7);
  const auto high = std::log(1.5);
  CHECK(mean_is(exponent.log(), (low + high) / 2, (high - low) / std::sqrt(12)));
}

TEST_CASE("an offset is drawn uniformly where its half width is given", "[transforms]") {
  BrightnessOptions options;
  options.mean = 1;
  options.half_width = 0.3;
  const auto offset = made(Brightness(options), batch_of(torch::zeros({4000, 1, 1, 1})))
                          .image()
                          .flatten()
                          .to(torch::kFloat64);
  CHECK(offset.min().item<double>() >= 0.7);
  CHECK(offset.max().item<double>() <= 1.3);
  CHECK(mean_is(offset, 1, 0.3 / std::sqrt(3)));
}

TEST_CASE("grey levels are clipped to a range", "[transforms]") {
  ClipOptions options;
  options.range = {0, 1.5};
  const auto x = image({-0.5, 0, 1.25, 2}, {1, 1, 2, 2});
  CHECK(
      torch::equal(made(Clip(options), batch_of(x)).image(), image({0, 0, 1.25, 1.5}, x.sizes())));
}

TEST_CASE("grey levels change sample by sample, in place, in 2D and 3D", "[transforms]") {
  for (const auto& size : {std::vector<std::int64_t>{5, 8}, {3, 4, 5}}) {
    const auto batch = speckle(3, 2, size);
    const auto check = [&](const Transform& transform) {
      CHECK(independent(transform, batch));
      CHECK(only_applied_change(transform, batch, {0, 1, 0}));
      const auto view = made(transform, batch);
      CHECK(torch::equal(view.map().matrix(), SpatialMap::identity(3, size).matrix()));
    };
    check(Contrast(ContrastOptions{}));
    check(Brightness(BrightnessOptions{}));
    check(Gamma(GammaOptions{}));
    ClipOptions clip;
    clip.range = {0.25, 0.5};
    check(Clip(clip));
  }
}

TEST_CASE("a contrast about the batch's mean changes the applied samples alone", "[transforms]") {
  ContrastOptions options;
  options.mean = "batch";
  CHECK(only_applied_change(Contrast(options), speckle(3, 1, {5, 8}), {1, 0, 1}));
}

TEST_CASE("grey levels say what is wrong", "[transforms][errors]") {
  const auto x = torch::zeros({2, 1, 3, 3});
  CHECK_THROWS_WITH(contrast(x, numbers({1})), "factor: expected [2], got [1]");
  CHECK_THROWS_WITH(brightness(x, numbers({1, 2, 3})), "offset: expected [2], got [3]");
  CHECK_THROWS_WITH(gamma(x, numbers({1})), "exponent: expected [2], got [1]");
  const auto parse = [](OptionArray exponent) {
    schema_of<GammaOptions>().parse(OptionTable{{"exponent", std::move(exponent)}}, "views.v");
  };
  CHECK_THROWS_WITH(parse({0.0, 1.0}), Catch::Contains("'exponent' must be more than"));
  CHECK_THROWS_WITH(
      schema_of<ClipOptions>().parse(OptionTable{{"range", OptionArray{1.0, 0.0}}}, "views.v"),
      Catch::Contains("'range' must be two numbers, the smaller first"));
  CHECK_THROWS_WITH(parse({1.0}),
                    Catch::Contains("'exponent' must be two numbers, the smaller first"));
}
