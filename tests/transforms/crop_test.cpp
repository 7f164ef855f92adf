#include "support/catch.h"
#include "support/numeric.h"

#include "covector/transforms/spatial/crop.h"
#include "covector/transforms/spatial/flip.h"
#include "sources.h"

#include <torch/types.h>

#include <cmath>

using namespace covector;
using namespace covector::transforms;
using covector::testing::draws_of;
using covector::testing::independent;
using covector::testing::made;
using covector::testing::max_gap;
using covector::testing::mean_is;
using covector::testing::ramp;

namespace {

using Size = std::vector<std::int64_t>;

at::Tensor row(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64).unsqueeze(0);
}

CropOptions crop_of(Size size, std::optional<Size> resize = {}) {
  CropOptions options;
  options.size = std::move(size);
  options.resize = std::move(resize);
  return options;
}

// Where each sample's window begins and ends along an axis.
at::Tensor first(const View& view, std::int64_t axis) {
  return view.map().coordinates(torch::kFloat64).select(1, axis).flatten(1).select(1, 0);
}
at::Tensor last(const View& view, std::int64_t axis) {
  return view.map().coordinates(torch::kFloat64).select(1, axis).flatten(1).select(1, -1);
}

}  // namespace

TEST_CASE("window_map lays corner voxels on corner voxels", "[transforms]") {
  // Rows 2 .. 5 on 7 rows: half a row a step. Columns 1 .. 1 + 4 on one: the middle, column 3.
  const auto q = window_map(row({2, 1}), row({4, 5}), {7, 1}).coordinates(torch::kFloat64);
  CHECK(torch::equal(q[0][0].flatten(), torch::linspace(2, 5, 7, torch::kFloat64)));
  CHECK((q[0][1] == 3).all().item<bool>());
  CHECK(torch::equal(window_map(row({2, 1}), row({4, 5}), {4, 5}).matrix()[0],
                     torch::tensor({{1.0, 0.0, 2.0}, {0.0, 1.0, 1.0}}, torch::kFloat64)));
}

TEST_CASE("a crop shows a window of image and label", "[transforms]") {
  for (const auto& size : {Size{9, 12}, Size{6, 9, 12}}) {
    const auto batch = ramp(4, size);
    auto view = made(Crop(crop_of({5})), batch);
    CHECK(view.size() == Size(size.size(), 5));
    for (std::int64_t n = 0; n < 4; ++n) {
      auto expected = batch.image[n];
      for (std::size_t axis = 0; axis < size.size(); ++axis)
        expected = expected.narrow(static_cast<std::int64_t>(axis) + 1,
                                   first(view, axis)[n].item<std::int64_t>(), 5);
      CHECK(torch::equal(view.image()[n], expected));
      CHECK(torch::equal((*view.label())[n], expected.to(torch::kInt64)));
    }
  }
}

TEST_CASE("windows are uniform over all that lie inside", "[transforms]") {
  const auto view = made(Crop(crop_of({3, 5})), ramp(4000, {6, 14}));
  // 0 .. 3 and 0 .. 9, each end included.
  for (const auto& [axis, room] : {std::pair<std::int64_t, double>{0, 4}, {1, 10}}) {
    const auto begin = first(view, axis);
    CHECK(begin.min().item<double>() == 0);
    CHECK(begin.max().item<double>() == room - 1);
    CHECK(mean_is(begin, (room - 1) / 2, std::sqrt((room * room - 1) / 12)));
    CHECK(mean_is((begin == room - 1).to(torch::kFloat64), 1 / room,
                  std::sqrt(1 / room * (1 - 1 / room))));
  }
  // A window as large as the image is the image.
  CHECK(torch::equal(made(Crop(crop_of({6, 14})), ramp(1, {6, 14})).map().matrix(),
                     SpatialMap::identity(1, {6, 14}).matrix()));
}

TEST_CASE("crop with resize stretches the window", "[transforms]") {
  for (const auto& size : {Size{9, 12}, Size{7, 9, 12}}) {
    auto view = made(Crop(crop_of({5}, Size{9})), ramp(2, size));
    CHECK(view.size() == Size(size.size(), 9));
    for (std::size_t axis = 0; axis < size.size(); ++axis)
      CHECK(max_gap(last(view, axis) - first(view, axis), torch::full({2}, 4.0)) < 1e-12);
    // A ramp goes on half as steep.
    const auto along = view.image().select(2, 0);
    const auto slope = (along.select(-1, 1) - along.select(-1, 0));
    CHECK(max_gap(slope, torch::full_like(slope, 0.5)) < 1e-10);
  }
}

TEST_CASE("resize stretches the whole view", "[transforms]") {
  ResizeOptions options;
  options.size = {5, 3};
  auto view = made(Resize(options), ramp(1, {9, 5}));
  // Rows 0, 2, .. 8 and columns 0, 2, 4 of 1 + 10 y + x.
  const auto expected = 1 + 20 * torch::arange(5, torch::kFloat64).view({5, 1}) +
                        2 * torch::arange(3, torch::kFloat64);
  CHECK(max_gap(view.image()[0][0], expected) < 1e-12);
  options.size = {11};
  CHECK(made(Resize(options), ramp(1, {4, 5, 6})).size() == Size{11, 11, 11});
}

TEST_CASE("window_sides of shares and shapes worked out by hand", "[transforms]") {
  CHECK(window_sides({512, 512}, 0.2, {1}) == Size{229, 229});  // sqrt(0.2) 512 = 228.97
  CHECK(window_sides({512, 512}, 0.2, {4.0 / 3}) == Size{198, 264});
  CHECK(window_sides({512, 512}, 0.5, {3.0 / 4}) == Size{418, 314});
  CHECK(window_sides({100, 400}, 1, {1}) == Size{200, 200});  // too tall: drawn again
  CHECK(window_sides({160, 160, 128}, 1, {1, 1, 1}) == Size{160, 160, 128});
  // cbrt(1/8) = 1/2; ratios 4 : 1 : 2 over their geometric mean 2.
  CHECK(window_sides({160, 160, 128}, 0.125, {4, 1, 2}) == Size{160, 40, 64});
}

TEST_CASE("random resized crops have the shares and shapes asked for", "[transforms]") {
  RandomResizedCropOptions options;
  options.size = {4, 4};
  const auto view = made(RandomResizedCrop(options), ramp(2000, {300, 300}));
  const auto height = last(view, 0) - first(view, 0) + 1;
  const auto width = last(view, 1) - first(view, 1) + 1;
  CHECK(first(view, 0).min().item<double>() >= 0);
  CHECK(last(view, 0).max().item<double>() <= 299);
  const auto share = height * width / 9e4;
  CHECK(share.min().item<double>() > 0.2 - 0.005);
  CHECK(share.max().item<double>() < 1.0 + 0.005);
  // Large windows of extreme shape do not fit and are drawn again: the mean lies below 0.6, but by
  // no more than the 14 % that are.
  CHECK(share.mean().item<double>() == Approx(0.56).margin(0.03));
  const auto ratio = (width / height).log();
  CHECK(ratio.abs().max().item<double>() < std::log(4.0 / 3) + 0.02);
  CHECK(mean_is(ratio, 0, 2 * std::log(4.0 / 3) / std::sqrt(12)));
}

TEST_CASE("random resized crops of volumes and of shapes no window fits", "[transforms]") {
  RandomResizedCropOptions options;
  options.size = {6};
  const auto volume = made(RandomResizedCrop(options), ramp(200, {20, 24, 16}));
  CHECK(volume.size() == Size{6, 6, 6});
  for (std::int64_t axis = 0; axis < 3; ++axis) {
    CHECK(first(volume, axis).min().item<double>() >= -1e-12);
    CHECK(last(volume, axis).max().item<double>() <= Size{20, 24, 16}[axis] - 1 + 1e-12);
  }
  // 1 in 30 high, at least half of it: never within 4 / 3, so the middle 4 / 3 window is taken.
  options.scale = {0.5, 1};
  const auto strip = made(RandomResizedCrop(options), ramp(2, {10, 300}));
  CHECK(max_gap(first(strip, 1), torch::full({2}, 143.0)) < 1e-12);  // (300 - 13) / 2
  CHECK(max_gap(last(strip, 1), torch::full({2}, 155.0)) < 1e-12);
  CHECK(max_gap(first(strip, 0), torch::zeros({2})) == 0);
}

TEST_CASE("random resized crops of a share of each side", "[transforms]") {
  RandomResizedCropOptions options;
  options.size = {4};
  options.scale = {0.5, 0.5};
  options.scale_of = "side";
  options.ratio = {1, 1};
  for (const auto& size : {Size{40, 40}, Size{8, 12, 16}}) {
    const auto view = made(RandomResizedCrop(options), ramp(5, size));
    for (std::size_t axis = 0; axis < size.size(); ++axis) {
      const auto k = static_cast<std::int64_t>(axis);
      CHECK(max_gap(last(view, k) - first(view, k), torch::full({5}, size[axis] / 2.0 - 1)) == 0);
    }
  }
}

TEST_CASE("windows that share an anchor have a voxel of the foreground in common", "[transforms]") {
  // A fifth of each side is bright; a window has about a fifth of it too, so that two of them
  // seldom meet there by chance.
  RandomResizedCropOptions options;
  options.size = {4};
  options.scale_of = "side";
  options.scale = {0.2, 0.25};
  options.anchor = 0.5;
  auto second = options;
  second.window = 1;
  for (const auto& size : {Size{40, 50}, Size{20, 25, 30}}) {
    constexpr std::int64_t kSamples = 40;
    auto batch = ramp(kSamples, size);
    batch.image.zero_();
    auto bright = batch.image;
    for (std::size_t axis = 0; axis < size.size(); ++axis)
      bright = bright.narrow(static_cast<std::int64_t>(axis) + 2, size[axis] / 2, size[axis] / 2);
    bright.fill_(1);
    const auto one = made(RandomResizedCrop(options), batch);
    const auto two = made(RandomResizedCrop(second), batch);
    CHECK_FALSE(torch::equal(one.map().matrix(), two.map().matrix()));
    for (std::size_t axis = 0; axis < size.size(); ++axis) {
      const auto k = static_cast<std::int64_t>(axis);
      const auto low = torch::maximum(first(one, k), first(two, k)).clamp_min(size[axis] / 2);
      const auto high =
          torch::minimum(last(one, k), last(two, k)).clamp_max(2 * (size[axis] / 2) - 1);
      CHECK((low <= high + 1e-9).all().item<bool>());
      CHECK((first(one, k) > -1e-9).all().item<bool>());
      CHECK((last(one, k) < size[axis] - 1 + 1e-9).all().item<bool>());
    }
  }
}

TEST_CASE("an image without foreground still gives windows with a voxel in common",
          "[transforms]") {
  RandomResizedCropOptions options;
  options.size = {4};
  options.scale = {0.01, 0.02};
  options.anchor = 1e6;
  auto second = options;
  second.window = 1;
  const auto one = made(RandomResizedCrop(options), ramp(20, {40, 50}));
  const auto two = made(RandomResizedCrop(second), ramp(20, {40, 50}));
  for (std::int64_t axis = 0; axis < 2; ++axis) {
    CHECK((torch::maximum(first(one, axis), first(two, axis)) <=
           torch::minimum(last(one, axis), last(two, axis)) + 1e-9)
              .all()
              .item<bool>());
  }
  CHECK(independent(RandomResizedCrop(second), ramp(3, {20, 30})));
}

TEST_CASE("a random resized crop that is not applied stretches the whole sample", "[transforms]") {
  RandomResizedCropOptions options;
  options.size = {5, 5};
  options.scale = {0.2, 0.4};
  const auto view = made(RandomResizedCrop(options), ramp(2, {20, 30}), {0, 1});
  CHECK(last(view, 1)[0].item<double>() == 29);
  CHECK((last(view, 1) - first(view, 1))[1].item<double>() < 25);
}

TEST_CASE("windows and flips do not depend on the batch", "[transforms]") {
  RandomResizedCropOptions options;
  options.size = {6};
  for (const auto& size : {Size{9, 12}, Size{8, 9, 12}}) {
    CHECK(independent(Crop(crop_of({4})), ramp(3, size)));
    CHECK(independent(RandomResizedCrop(options), ramp(3, size)));
    CHECK(independent(Flip(FlipOptions{}), ramp(3, size)));
  }
}

TEST_CASE("a flip mirrors image and label", "[transforms]") {
  const auto flipped = torch::tensor({{1.0, 0.0}, {1.0, 1.0}}, torch::kFloat64);
  const auto q = flip_map(flipped, {3, 4}).coordinates(torch::kFloat64);
  CHECK(q[0][0][0][1].item<double>() == 2);
  CHECK(q[0][1][0][1].item<double>() == 1);
  CHECK(q[1][1][0][1].item<double>() == 2);
  FlipOptions options;
  options.axis_probability = {0, 1, 0};
  const auto batch = ramp(2, {4, 5, 6});
  auto view = made(Flip(options), batch);
  CHECK(max_gap(view.image(), batch.image.flip(3)) < 1e-10);
  CHECK(torch::equal(*view.label(), batch.label->flip(3)));
}

TEST_CASE("each axis is flipped with its own probability", "[transforms]") {
  FlipOptions options;
  options.axis_probability = {0.2, 0.7};
  const auto matrix = made(Flip(options), ramp(4000, {3, 4})).map().matrix();
  for (const auto& [axis, chance] : {std::pair<std::int64_t, double>{0, 0.2}, {1, 0.7}})
    CHECK(mean_is((matrix.select(1, axis).select(1, axis) < 0).to(torch::kFloat64), chance,
                  std::sqrt(chance * (1 - chance))));
  options.axis_probability = {1};
  CHECK(testing::only_applied_change(Flip(options), ramp(3, {4, 5}), {0, 1, 0}));
}

TEST_CASE("random axes are mirrored one after another", "[transforms]") {
  // One mirroring 0.4 0.6, two 0.4^2 0.6, which cancel when they are of one axis, three 0.4^3.
  FlipOptions options;
  options.go_on = 0.4;
  for (const std::int64_t d : {2, 3}) {
    const auto matrix = made(Flip(options), ramp(8000, Size(d, 2))).map().matrix();
    const auto mirrored = (matrix.slice(2, 0, d).diagonal(0, 1, 2) < 0).to(torch::kFloat64);
    const auto chance = 0.24 + 0.096 * (1 - 1.0 / static_cast<double>(d)) + 0.064;
    CHECK(mean_is(mirrored.amax(1), chance, std::sqrt(chance * (1 - chance))));
    if (d == 3) CHECK(chance == Approx(0.368));
    const auto one = mirrored.select(1, 0).mean().item<double>();
    CHECK(mean_is(mirrored.select(1, d - 1), one, 0.5));
  }
  options.go_on = 1;  // three times: always an odd number of axes
  const auto matrix = made(Flip(options), ramp(50, {2, 2})).map().matrix();
  CHECK((torch::linalg_det(matrix.slice(2, 0, 2)) == -1).all().item<bool>());
  options.go_on = 0;
  CHECK(torch::equal(made(Flip(options), ramp(5, {2, 2})).image(), ramp(5, {2, 2}).image));
  options.go_on = 0.9;
  CHECK(independent(Flip(options), ramp(3, {4, 5, 6})));
}

TEST_CASE("windows and flips say what is wrong", "[transforms][errors]") {
  CHECK_THROWS_WITH(made(Crop(crop_of({96, 64})), ramp(1, {80, 80})),
                    "crop: a window of [96, 64] does not fit into a view of [80, 80]; make 'size' "
                    "smaller or the images larger");
  CHECK_THROWS_AS(made(Crop(crop_of({96, 64})), ramp(1, {80, 80})), RecipeError);
  CHECK_THROWS_WITH(
      made(Crop(crop_of({4, 4})), ramp(1, {8, 8, 8})),
      "crop: 'size' has 2 numbers, but the views are 3D; give 3, or one for all axes");
  FlipOptions flips;
  flips.axis_probability = {0.5, 0.5, 0.5};
  CHECK_THROWS_WITH(made(Flip(flips), ramp(1, {8, 8})),
                    "flip: 'axis_probability' has 3 numbers, but the views are 2D; give 2, or one "
                    "for all axes");
  CHECK_THROWS_WITH(window_map(row({1, 2}), row({1, 2}), {4, 4, 4}),
                    "begin: expected [*, 3], got [1, 2]");
  const auto parse_crop = [](OptionValue size) {
    schema_of<CropOptions>().parse(OptionTable{{"size", std::move(size)}}, "views.fixed");
  };
  CHECK_THROWS_WITH(parse_crop(OptionArray{0, 4}),
                    Catch::Contains("'size' must be 1 to 3 numbers above 0"));
  const auto parse_scale = [](OptionArray scale) {
    schema_of<RandomResizedCropOptions>().parse(OptionTable{{"scale", std::move(scale)}}, "v");
  };
  CHECK_THROWS_WITH(parse_scale({0.5, 0.2}),
                    Catch::Contains("'scale' must be two numbers, the smaller first"));
  CHECK_THROWS_WITH(parse_scale({0.5, 1.2}), Catch::Contains("'scale' must be at most 1"));
}
