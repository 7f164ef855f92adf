#include "support/catch.h"
#include "support/numeric.h"

#include "covector/transforms/intensity/intensity_map.h"
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

using Numbers = std::vector<double>;

at::Tensor numbers(const Numbers& values) {
  return torch::tensor(values, torch::kFloat64);
}

// Gap between the map of `inputs` along a curve and what it should be.
double gap(const Numbers& controls, bool decreasing, const Numbers& inputs, const Numbers& wanted) {
  const auto x = numbers(inputs).view({1, 1, 1, -1});
  const auto y = intensity_map(x, numbers(controls).unsqueeze(0), numbers({decreasing ? 1. : 0.}));
  return max_gap(y.flatten(), numbers(wanted));
}

}  // namespace

TEST_CASE("grey levels along Bezier curves equal the published sampling", "[transforms]") {
  // 100 000 samples of each curve, linearly interpolated, as the code of Models Genesis does.
  const Numbers a = {0.1, 0.7, 0.6, 0.2};
  const Numbers inputs = {0, 0.1, 0.25, 0.5, 0.75, 0.9, 1};
  CHECK(gap(a, false, inputs, {0, 0.290563, 0.410814, 0.502409, 0.654197, 0.828252, 1}) < 1e-6);
  CHECK(gap(a, true, inputs, {1, 0.662454, 0.519252, 0.425395, 0.297519, 0.149194, 0}) < 1e-6);
  CHECK(gap({0.9, 0.1, 0.1, 0.9}, false, inputs,
            {0, 0.015259, 0.060925, 0.5, 0.939075, 0.984741, 1}) < 1e-6);
  CHECK(gap({0.2, 1, 0.4, 0}, false, {0.5}, {0.513537}) < 1e-6);
  CHECK(gap({0.2, 1, 0.4, 0}, true, {0.5}, {0.486463}) < 1e-6);
  // GVSL's curve
  CHECK(gap({0.2, 0.8, 0.6, 0.3}, false, {0.1, 0.25, 0.5, 0.75},
            {0.275482, 0.452808, 0.563908, 0.694723}) < 1e-6);
}

TEST_CASE("a straight curve is the identity or its negative", "[transforms]") {
  const Numbers straight = {1.0 / 3, 1.0 / 3, 2.0 / 3, 2.0 / 3};
  const Numbers inputs = {0, 0.125, 0.3, 0.77, 1};
  CHECK(gap(straight, false, inputs, inputs) < 1e-15);
  CHECK(gap(straight, true, inputs, {1, 0.875, 0.7, 0.23, 0}) < 1e-15);
}

TEST_CASE("values beyond the ends are those of the ends", "[transforms]") {
  CHECK(gap({0.1, 0.7, 0.6, 0.2}, false, {-0.2, 1.3}, {0, 1}) < 1e-15);
  CHECK(gap({0.1, 0.7, 0.6, 0.2}, true, {-0.2, 1.3}, {1, 0}) < 1e-15);
}

TEST_CASE("each sample has its own curve, in single precision too", "[transforms]") {
  const auto x = torch::full({2, 1, 1, 1}, 0.25);
  const auto controls = numbers({0.1, 0.7, 0.6, 0.2, 0.9, 0.1, 0.1, 0.9}).view({2, 4});
  const auto y = intensity_map(x, controls, numbers({1, 0}));
  CHECK(y.scalar_type() == torch::kFloat32);
  CHECK(max_gap(y.flatten(), numbers({0.519252, 0.060925})) < 1e-6);
}

TEST_CASE("control points are uniform and half of the curves decrease", "[transforms]") {
  // The mean of y over uniform curves at s = 1/2 is 1/2; told by a grey level that is so for any
  // curve: 0 maps to 0, or to 1 where decreasing.
  const auto batch = batch_of(torch::zeros({2000, 1, 1, 1}, torch::kFloat64));
  const auto half = made(IntensityMap(IntensityMapOptions{}), batch).image();
  CHECK(mean_is(half, 0.5, 0.5));
  IntensityMapOptions never;
  never.decreasing = 0;
  CHECK(made(IntensityMap(never), batch).image().max().item<double>() < 1e-12);
  // The slope at 0 is y1 / x1: its logarithm is that of a quotient of two uniform numbers, mean 0
  // and variance 2.
  const auto tiny = batch_of(torch::full({4000, 1, 1, 1}, 1e-9, torch::kFloat64));
  const auto slope = made(IntensityMap(never), tiny).image() / 1e-9;
  CHECK(mean_is(slope.log(), 0, std::sqrt(2)));
}

TEST_CASE("intensity maps change sample by sample, in place, in 2D and 3D", "[transforms]") {
  for (const auto& size : {std::vector<std::int64_t>{5, 8}, {3, 4, 5}}) {
    const auto batch = speckle(3, 2, size);
    const IntensityMap transform{IntensityMapOptions{}};
    CHECK(independent(transform, batch));
    CHECK(only_applied_change(transform, batch, {0, 1, 0}));
    const auto view = made(transform, batch);
    CHECK(torch::equal(view.map().matrix(), SpatialMap::identity(3, size).matrix()));
  }
}

TEST_CASE("intensity maps say what is wrong", "[transforms][errors]") {
  const auto x = torch::zeros({2, 1, 3, 3});
  CHECK_THROWS_WITH(intensity_map(x, torch::zeros({2, 3}), numbers({0, 0})),
                    "controls: expected [2, 4], got [2, 3]");
  CHECK_THROWS_WITH(intensity_map(x, torch::zeros({2, 4}), numbers({0})),
                    "decreasing: expected [2], got [1]");
}
