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

namespace {

// Images and labels as a prepared cache keeps them: bytes, or words in steps of 1 / 65535.
Samples kept(at::ScalarType type, float steps) {
  torch::manual_seed(4);
  Samples samples;
  for (const auto* id : {"a", "b"}) {
    Sample sample{torch::randint(static_cast<std::int64_t>(steps) + 1, {2, 3, 5, 5}).to(type),
                  torch::randint(4, {1, 3, 5, 5}).to(torch::kByte),
                  {},
                  id,
                  {}};
    sample.steps = steps;
    samples.list.push_back(std::move(sample));
  }
  samples.positions = {7, 8};
  return samples;
}

// The same, each number turned into its value one by one.
Batch whole(const Samples& samples) {
  Batch batch{torch::empty({2, 2, 3, 5, 5}), torch::empty({2, 1, 3, 5, 5}, torch::kInt64), {}};
  for (std::int64_t n = 0; n < 2; ++n) {
    const auto& sample = samples.list[static_cast<std::size_t>(n)];
    const auto numbers = sample.image.to(torch::kInt64).flatten();
    auto values = batch.image[n].flatten();
    for (std::int64_t i = 0; i < numbers.numel(); ++i)
      values[i] = static_cast<float>(numbers[i].item<std::int64_t>()) / sample.steps;
    (*batch.label)[n].copy_(*sample.label);
    batch.ids.push_back(sample.id);
  }
  return batch;
}

at::Tensor affine_maps(const std::vector<double>& first, const std::vector<double>& second) {
  return torch::stack({torch::tensor(first, torch::kFloat64).view({3, 4}),
                       torch::tensor(second, torch::kFloat64).view({3, 4})});
}

}  // namespace

TEST_CASE("samples as they are kept give the view that their values give", "[view]") {
  const auto [type, steps] =
      GENERATE(table<at::ScalarType, float>({{torch::kByte, 255.0F}, {torch::kUInt16, 65535.0F}}));
  const auto samples = kept(type, steps);
  View apart(samples);
  View stacked(whole(samples));
  CHECK(apart.positions() == std::vector<std::int64_t>{7, 8});
  CHECK(apart.ids() == stacked.ids());
  SECTION("a crop, a mirror image, a quarter turn") {
    const SpatialMap step(
        affine_maps({1, 0, 0, 1, 0, 1, 0, 2, 0, 0, 1, 0}, {-1, 0, 0, 2, 0, 0, 1, 0, 0, -1, 0, 4}),
        {2, 3, 4});
    for (auto* view : {&apart, &stacked}) view->resample(step);
  }
  SECTION("a crop alone") {
    const SpatialMap step(
        affine_maps({1, 0, 0, 1, 0, 1, 0, 2, 0, 0, 1, 0}, {1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 2}),
        {2, 3, 3});
    for (auto* view : {&apart, &stacked}) view->resample(step);
  }
  SECTION("interpolated, and partly outside") {
    const SpatialMap step(affine_maps({1, 0, 0, 0.5, 0, 0.9, 0.1, -1, 0, 0, 1, 0},
                                      {1, 0, 0, 0, 0, 1, 0.25, 1, 0, 0, 1, 2}),
                          {3, 4, 4});
    for (auto* view : {&apart, &stacked}) view->resample(step);
  }
  SECTION("deformed") {
    for (auto* view : {&apart, &stacked}) view->deform(torch::full({2, 3, 3, 5, 5}, 0.75));
  }
  CHECK(apart.image().scalar_type() == torch::kFloat);
  CHECK(torch::equal(apart.image(), stacked.image()));
  CHECK(apart.label()->scalar_type() == torch::kInt64);
  CHECK(torch::equal(*apart.label(), *stacked.label()));
  CHECK_FALSE(apart.marked().any().item<bool>());
}

TEST_CASE("samples that cannot share a view are refused by name", "[view][errors]") {
  auto samples = kept(torch::kByte, 255);
  SECTION("another shape") {
    samples.list[1].image = samples.list[1].image.slice(2, 0, 4);
    CHECK_THROWS_WITH(View(samples), Catch::Contains("'a' [2, 3, 5, 5] and 'b' [2, 3, 4, 5]"));
  }
  SECTION("one label") {
    samples.list[1].label.reset();
    CHECK_THROWS_WITH(View(samples), Catch::Contains("'a' and 'b' only one has a label"));
  }
}
