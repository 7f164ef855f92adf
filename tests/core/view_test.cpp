#include "support/catch.h"
#include "support/numeric.h"

#include "covector/core/error.h"
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

TEST_CASE("marked voxels are gathered and move with the view", "[view]") {
  Batch source;
  source.image = torch::zeros({1, 1, 2, 3});
  source.ids = {"x"};
  View view(source);
  CHECK_FALSE(view.marked().any().item<bool>());
  CHECK(view.marked().sizes() == at::IntArrayRef({1, 1, 2, 3}));
  auto first = torch::zeros({1, 1, 2, 3}, torch::kBool);
  first[0][0][0][1] = true;
  view.mark(first);
  auto second = torch::zeros({1, 1, 2, 3}, torch::kBool);
  second[0][0][1][2] = true;
  view.mark(second);
  CHECK(torch::equal(view.marked(), first.logical_or(second)));
  // the last two columns
  view.resample(SpatialMap::translation(torch::tensor({{0.0, 1.0}}, torch::kFloat64), {2, 2}));
  CHECK(torch::equal(view.marked(),
                     torch::tensor({{true, false}, {false, true}}).view({1, 1, 2, 2})));
  CHECK_THROWS_AS(view.mark(first), std::invalid_argument);
}

TEST_CASE("mirror images, quarter turns and crops of them are copied, not interpolated", "[view]") {
  torch::manual_seed(3);
  Batch batch;
  batch.image = torch::rand({2, 2, 3, 5, 5});  // float32: interpolation would round
  batch.ids = {"a", "b"};
  // Sample 0: (z, y, x) reads (z, x, 4 - y), a quarter turn. Sample 1: (2 - z, y, 4 - x).
  const auto matrix = torch::tensor({{{1., 0., 0., 0.}, {0., 0., 1., 0.}, {0., -1., 0., 4.}},
                                     {{-1., 0., 0., 2.}, {0., 1., 0., 0.}, {0., 0., -1., 4.}}},
                                    torch::kFloat64);
  View view(batch);
  view.resample(SpatialMap(matrix, {3, 5, 5}));
  const auto crop = torch::tensor({{1., 2., 0.}, {0., 1., 1.}}, torch::kFloat64);
  view.resample(SpatialMap::translation(crop, {2, 3, 4}));
  const auto turned = torch::rot90(batch.image[0], 1, {-2, -1});
  const auto mirrored = batch.image[1].flip({1, 3});
  CHECK(torch::equal(view.image()[0], turned.slice(1, 1, 3).slice(2, 2, 5).slice(3, 0, 4)));
  CHECK(torch::equal(view.image()[1], mirrored.slice(1, 0, 2).slice(2, 1, 4).slice(3, 1, 5)));
}

TEST_CASE("a mirror image that leaves the source is zero there", "[view]") {
  View view(ramp());
  const auto matrix = torch::tensor({{-1., 0., 3.}, {0., 1., 0.}}, torch::kFloat64);
  view.resample(SpatialMap(matrix.repeat({2, 1, 1}), {6, 8}));
  CHECK(view.image()[0][0][0][1].item<double>() == Approx(31.0));
  CHECK(view.image()[0][0][3][1].item<double>() == Approx(1.0));
  CHECK(view.image()[0][0][4].abs().max().item<double>() < 1e-12);
}

TEST_CASE("a deformation moves pixels, labels and marks alike", "[view]") {
  View view(ramp());
  view.resample(shift(1, 0, {4, 8}));
  auto mark = torch::zeros({2, 1, 4, 8}, torch::kBool);
  mark[0][0][2][3] = true;
  view.mark(mark);
  // Everything reads one row down and a quarter column to the right.
  auto displacement = torch::zeros({2, 2, 4, 8}, torch::kFloat64);
  displacement.select(1, 0).fill_(1);
  displacement.select(1, 1).fill_(0.25);
  view.deform(displacement);
  // Pixel (1, 3) reads (2, 3.25) of the crop, which is (3, 3.25) of the source.
  CHECK(view.image()[1][0][1][3].item<double>() == Approx(33.25));
  CHECK(view.label()->index({1, 0, 1, 3}).item<std::int64_t>() == 33);
  CHECK(view.image()[1][0][3][3].item<double>() == 0);
  CHECK(view.label()->index({1, 0, 3, 3}).item<std::int64_t>() == 0);
  CHECK(view.marked().nonzero().size(0) == 1);
  CHECK(view.marked()[0][0][1][3].item<bool>());
  // And what follows is applied to that.
  view.resample(shift(1, 2, {2, 2}));
  CHECK(view.image()[1][0][0][1].item<double>() == Approx(33.25));
  CHECK(view.label()->index({1, 0, 0, 1}).item<std::int64_t>() == 33);
}

TEST_CASE("a deformed view no longer tells where it lies", "[view][errors]") {
  View view(ramp());
  CHECK_THROWS_WITH(view.deform(torch::zeros({2, 2, 6, 7})),
                    "displacement: expected [2, 2, 6, 8], got [2, 2, 6, 7]");
  view.deform(torch::zeros({2, 2, 6, 8}));
  CHECK_THROWS_AS(view.map(), RecipeError);
  CHECK_THROWS_WITH(view.map(),
                    "[views] a view was deformed (transform 'elastic'), so that no affine map "
                    "tells where its voxels lie in the source, which the method asks for; take "
                    "the deformation out of the view's chain");
}
