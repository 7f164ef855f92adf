#include "support/catch.h"
#include "support/numeric.h"

#include "covector/transforms/corruption/blur.h"
#include "covector/transforms/corruption/inpaint.h"
#include "covector/transforms/corruption/noise.h"
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

using Size = std::vector<std::int64_t>;

at::Tensor numbers(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64);
}

}  // namespace

TEST_CASE("noise is scaled by each sample's standard deviation", "[transforms]") {
  const auto x = numbers({1, 2, 3, 4}).view({2, 1, 1, 2});
  const auto field = numbers({1, -1, 2, 0}).view({2, 1, 1, 2});
  CHECK(torch::equal(add_noise(x, numbers({0.5, 0}), field),
                     numbers({1.5, 1.5, 3, 4}).view({2, 1, 1, 2})));
}

TEST_CASE("noise has the moments it was asked for", "[transforms]") {
  NoiseOptions options;
  options.std = {0.1, 0.1};
  auto batch = batch_of(torch::full({1, 1, 300, 300}, 0.5, torch::kFloat64));
  const auto error = made(Noise(options), batch).image() - 0.5;
  CHECK(mean_is(error, 0, 0.1));
  CHECK(mean_is(error.square(), 0.01, 0.01 * std::sqrt(2)));
  // Standard deviations are uniform in 0 .. 0.02: that of a sample's 400 voxels is its own.
  batch = batch_of(torch::zeros({1000, 1, 20, 20}, torch::kFloat64));
  const auto drawn = made(Noise(NoiseOptions{}), batch).image().square().flatten(1).mean(1);
  // E std^2 = 0.02^2 / 3, E std^4 = 0.02^4 / 5; a sample's mean square adds 2 / 400 of std^4.
  const auto spread = 4e-4 * std::sqrt(1.005 / 5 - 1.0 / 9);
  CHECK(mean_is(drawn, 4e-4 / 3, spread));
}

TEST_CASE("blur of an impulse worked out by hand", "[transforms]") {
  // sigma = 1/4 reaches one voxel: weights 1 and exp(-8), over their sum.
  const auto w = std::exp(-8.0);
  const auto sum = 1 + 2 * w;
  auto x = torch::zeros({1, 1, 1, 5}, torch::kFloat64);
  x[0][0][0][1] = 1;
  // The axis of one voxel mirrors itself.
  CHECK(max_gap(gaussian_blur(x, numbers({0.25})),
                numbers({w, 1, w, 0, 0}).view({1, 1, 1, 5}) / sum) < 1e-15);
  // Beyond the border the border voxel is repeated.
  x.zero_()[0][0][0][0] = 1;
  CHECK(max_gap(gaussian_blur(x, numbers({0.25})),
                numbers({1 + w, w, 0, 0, 0}).view({1, 1, 1, 5}) / sum) < 1e-15);
}

TEST_CASE("blur equals SciPy's gaussian_filter", "[transforms]") {
  // scipy.ndimage.gaussian_filter, SciPy 1.x defaults, 8 decimals; the radius (5) exceeds the
  // sides.
  const auto flat = (torch::arange(20, torch::kFloat64) * 7).remainder(11).view({1, 1, 4, 5});
  const auto flat_wanted =
      numbers({3.50073371, 4.34350743, 5.23207006, 5.91644969, 6.37285306, 3.72493323, 4.36899741,
               5.06985849, 5.63543245, 6.0582139,  4.0241365,  4.44068445, 4.94605472, 5.27315761,
               5.45853125, 4.27709859, 4.56224426, 4.94194528, 5.00038289, 4.85271505})
          .view({1, 1, 4, 5});
  CHECK(max_gap(gaussian_blur(flat, numbers({1.3})), flat_wanted) < 6e-9);
  const auto cube = (torch::arange(18, torch::kFloat64) * 5).remainder(7).view({1, 1, 2, 3, 3});
  const auto cube_wanted =
      numbers({1.91466651, 3.22049569, 3.66043039, 2.3083557, 3.11854963, 3.41353277, 2.39520155,
               2.50139279, 3.19480288, 2.48087856, 2.81321794, 3.61450629, 3.02116256, 2.69317778,
               2.44522155, 3.47134439, 2.65316617, 2.07989685})
          .view({1, 1, 2, 3, 3});
  CHECK(max_gap(gaussian_blur(cube, numbers({0.8})), cube_wanted) < 6e-9);
  // Each sample by its own width, wider neighbours or not.
  const auto both = gaussian_blur(torch::cat({flat, flat, flat}), numbers({1.3, 0, 0.1}));
  CHECK(max_gap(both[0], flat_wanted[0]) < 6e-9);
  CHECK(torch::equal(both[1], flat[0]));
  CHECK(torch::equal(both[2], flat[0]));
}

TEST_CASE("the weights of a Gaussian equal numbers computed elsewhere", "[transforms]") {
  const auto wide = numbers({0.00443305, 0.05400558, 0.24203623, 0.39905028});
  const auto taps = gaussian_taps(numbers({1, 0.8}), numbers({3, 2}));
  CHECK(max_gap(taps[0].slice(0, 0, 4), wide) < 6e-9);
  CHECK(max_gap(taps[0].slice(0, 3, 7).flip(0), wide) < 6e-9);
  const auto narrow = numbers({0, 0.02192964, 0.22851215, 0.49911642});
  CHECK(max_gap(taps[1].slice(0, 0, 4), narrow) < 6e-9);
  CHECK(max_gap(taps[1].slice(0, 3, 7).flip(0), narrow) < 6e-9);
}

TEST_CASE("blur reaches as far as its rule says", "[transforms]") {
  auto x = torch::zeros({1, 1, 1, 21}, torch::kFloat64);
  x[0][0][0][10] = 1;
  const auto reached = [&](double sigma, BlurRadius rule) {
    return (gaussian_blur(x, numbers({sigma}), rule) > 0).sum().item<std::int64_t>();
  };
  CHECK(reached(1.1, BlurRadius::four_sigma) == 9);   // floor(4.9) = 4
  CHECK(reached(1.1, BlurRadius::three_sigma) == 9);  // ceil(3.3) = 4
  CHECK(reached(1.4, BlurRadius::four_sigma) == 13);
  CHECK(reached(1.4, BlurRadius::three_sigma) == 11);
  BlurOptions options;
  options.sigma = {1.4, 1.4};
  options.radius = "three_sigma";
  CHECK((made(Blur(options), batch_of(x)).image() > 0).sum().item<std::int64_t>() == 11);
}

TEST_CASE("below an eighth of a voxel blur changes nothing", "[transforms]") {
  const auto batch = speckle(3, 1, {6, 7});
  CHECK(torch::equal(made(Blur(BlurOptions{}), batch).image(), batch.image));
}

TEST_CASE("box_mask marks the voxels of each sample's boxes", "[transforms]") {
  const auto mask = box_mask({{{{1, 0}, {2, 3}}, {{0, 4}, {1, 1}}}, {}}, {4, 5});
  const auto wanted = torch::tensor({0, 0, 0, 0, 1,  //
                                     1, 1, 1, 0, 0,  //
                                     1, 1, 1, 0, 0,  //
                                     0, 0, 0, 0, 0})
                          .view({4, 5})
                          .to(torch::kBool);
  CHECK(torch::equal(mask[0][0], wanted));
  CHECK(mask[1].sum().item<std::int64_t>() == 0);
  CHECK(box_mask({{{{1, 0, 2}, {2, 3, 1}}}}, {4, 5, 6}).sum().item<std::int64_t>() == 6);
}

TEST_CASE("boxes are as many, as large and where the published code draws them", "[transforms]") {
  const InpaintOptions options;
  const Size size = {60, 96, 75};
  std::vector<double> counts;
  std::vector<std::vector<double>> sides(3);
  for (std::uint64_t n = 0; n < 2000; ++n) {
    RandomStream stream(3, "boxes", {n});
    const auto boxes = draw_boxes(options, size, stream);
    counts.push_back(static_cast<double>(boxes.size()));
    for (const auto& box : boxes)
      for (std::size_t axis = 0; axis < 3; ++axis) {
        REQUIRE(box.begin[axis] >= 3);
        REQUIRE(box.begin[axis] + box.size[axis] <= size[axis] - 3);
        sides[axis].push_back(static_cast<double>(box.size[axis]));
      }
  }
  // sum of 0.95^k, k = 1 .. 10, and the variance of that truncated count.
  double mean = 0;
  double square = 0;
  for (int k = 1; k <= 10; ++k) {
    mean += std::pow(0.95, k);
    square += (2 * k - 1) * std::pow(0.95, k);
  }
  CHECK(mean_is(numbers(counts), mean, std::sqrt(square - mean * mean)));
  // 3 * 60 / 30 = 6 up to 8, 9.6 and 12.8 floored, 7.5 and 10 floored.
  const std::vector<std::pair<double, double>> wanted = {{6, 7}, {9, 11}, {7, 9}};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto drawn = numbers(sides[axis]);
    CHECK(drawn.min().item<double>() == wanted[axis].first);
    CHECK(drawn.max().item<double>() == wanted[axis].second);
  }
}

TEST_CASE("the sides of boxes follow the integer rule of the published code", "[transforms]") {
  InpaintOptions options;
  options.go_on = 1;
  options.boxes = 1;
  for (std::int64_t length = 12; length < 700; ++length) {
    const auto low = std::max<std::int64_t>(1, 3 * length / 30);
    const auto high = std::max(low + 1, 4 * length / 30);
    RandomStream stream(4, "side", {static_cast<std::uint64_t>(length)});
    const auto box = draw_boxes(options, {length, length}, stream).at(0);
    for (const auto side : box.size) REQUIRE((low <= side && side < high));
  }
}

TEST_CASE("in-painting overwrites boxes and nothing else", "[transforms]") {
  InpaintOptions options;
  options.go_on = 1;
  options.boxes = 2;
  options.fill = {5, 6};
  for (const auto& size : {Size{40, 31}, Size{16, 20, 31}}) {
    const auto batch = speckle(3, 2, size);
    const auto image = made(Inpaint(options), batch).image();
    const auto changed = image != batch.image;
    CHECK(torch::equal(changed.select(1, 0), changed.select(1, 1)));
    CHECK(torch::equal(image.select(1, 0).masked_select(changed.select(1, 0)),
                       image.select(1, 1).masked_select(changed.select(1, 1))));
    const auto filled = image.masked_select(changed);
    CHECK(filled.min().item<double>() >= 5);
    CHECK(filled.max().item<double>() < 6);
    for (std::int64_t n = 0; n < 3; ++n) CHECK(changed[n].any().item<bool>());
  }
}

TEST_CASE("corruptions change sample by sample, in place, in 2D and 3D", "[transforms]") {
  BlurOptions blur;
  blur.sigma = {0.5, 2};
  for (const auto& size : {Size{20, 14}, Size{9, 10, 12}}) {
    const auto batch = speckle(3, 2, size);
    const auto check = [&](const Transform& transform) {
      CHECK(independent(transform, batch));
      CHECK(only_applied_change(transform, batch, {0, 1, 0}));
      const auto view = made(transform, batch);
      CHECK(torch::equal(view.map().matrix(), SpatialMap::identity(3, size).matrix()));
    };
    check(Noise(NoiseOptions{}));
    check(Blur(blur));
    check(Inpaint(InpaintOptions{}));
  }
}

TEST_CASE("corruptions say what is wrong", "[transforms][errors]") {
  const auto x = torch::zeros({2, 1, 3, 3});
  CHECK_THROWS_WITH(add_noise(x, numbers({1}), x), "std: expected [2], got [1]");
  CHECK_THROWS_WITH(add_noise(x, numbers({1, 1}), x[0]),
                    "field: expected [2, 1, 3, 3], got [1, 3, 3]");
  CHECK_THROWS_WITH(gaussian_taps(numbers({1}), numbers({1, 1})), "radius: expected [1], got [2]");
  CHECK_THROWS_WITH(gaussian_blur(x, numbers({1})), "sigma: expected [2], got [1]");
  InpaintOptions options;
  options.go_on = 1;
  CHECK_THROWS_WITH(made(Inpaint(options), speckle(1, 1, {6, 40})),
                    Catch::Contains("inpaint: a view of [6, 40] has no room for a box of [1, ") &&
                        Catch::Contains("with a margin of 3; make 'side' or 'margin' smaller or "
                                        "the views larger"));
  CHECK_THROWS_AS(made(Inpaint(options), speckle(1, 1, {6, 40})), RecipeError);
  CHECK_THROWS_WITH(
      schema_of<BlurOptions>().parse(OptionTable{{"sigma", OptionArray{-1.0, 1.0}}}, "views.v"),
      Catch::Contains("'sigma' must be at least"));
}
