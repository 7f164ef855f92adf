#include "support/catch.h"
#include "support/numeric.h"

#include "covector/core/view.h"

#include <torch/types.h>

using namespace covector;
using covector::testing::max_gap;

namespace {

Batch ramp() {
  // Pixel (y, x) of the 6 x 8 image has the value 10 y + x.
  const auto y = torch::arange(6, torch::kFloat64).view({1, 1, 6, 1});
  const auto x = torch::arange(8, torch::kFloat64).view({1, 1, 1, 8});
  Batch batch;
  batch.image = (10 * y + x).repeat({2, 1, 1, 1});
  batch.label = batch.image.to(torch::kInt64);
  batch.ids = {"a", "b"};
  return batch;
}

SpatialMap shift(double y, double x, std::vector<std::int64_t> size) {
  return SpatialMap::translation(torch::tensor({{y, x}, {y, x}}, torch::kFloat64), std::move(size));
}

}  // namespace

TEST_CASE("a whole-voxel crop is a slice of image and label", "[view]") {
  View view(ramp());
  view.resample(shift(2, 3, {3, 4}));
  CHECK(view.image()[1][0][0][0].item<double>() == 23.0);
  CHECK(view.label()->index({0, 0, 2, 3}).item<std::int64_t>() == 46);
}

TEST_CASE("two spatial steps read the source through both", "[view]") {
  View view(ramp());
  view.resample(shift(0.5, 0, {5, 8}));
  view.resample(shift(1, 2.25, {3, 4}));
  // Pixel (0, 0) lies at (1.5, 2.25) of the source: 15 + 2.25.
  CHECK(view.image()[0][0][0][0].item<double>() == Approx(17.25));
  CHECK(view.map().matrix()[0][0][2].item<double>() == 1.5);
}

TEST_CASE("pixels set between two spatial steps are resampled by the second alone", "[view]") {
  View view(ramp());
  view.resample(shift(1, 1, {4, 4}));
  view.set_image(view.image() * 2);
  view.resample(shift(1, 0, {2, 4}));
  CHECK(view.image()[0][0][0][0].item<double>() == 2 * 21.0);
  CHECK(view.map().matrix()[0][0][2].item<double>() == 2.0);
  CHECK_THROWS_WITH(view.set_image(torch::zeros({2, 1, 3, 3})),
                    "image: expected [2, 1, 2, 4], got [2, 1, 3, 3]");
}

TEST_CASE("outside the source an image is zero and a label background", "[view]") {
  View view(ramp());
  view.resample(shift(-2, 0, {3, 3}));
  CHECK(view.image()[0][0][0][0].item<double>() == 0.0);
  CHECK(view.label()->index({0, 0, 0, 0}).item<std::int64_t>() == 0);
  CHECK(view.label()->index({0, 0, 2, 1}).item<std::int64_t>() == 1);
}
