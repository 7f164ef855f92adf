#include "support/catch.h"
#include "support/numeric.h"

#include "covector/transforms/corruption/blur.h"
#include "covector/transforms/corruption/impulse_noise.h"
#include "covector/transforms/corruption/noise.h"
#include "covector/transforms/corruption/outpaint.h"
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
  auto batch = batch_of(torch::full({1, 1, 384, 384}, 0.5, torch::kFloat64));
  const auto error = made(Noise(options), batch).image() - 0.5;
  CHECK(std::abs(error.mean().item<double>()) < 0.00105);  // 4 * 0.1 / 384
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

TEST_CASE("the matrix of a Gaussian blurs one axis as gaussian_blur does", "[transforms]") {
  torch::manual_seed(6);
  const auto x = torch::rand({3, 1, 1, 9}, torch::kFloat64);
  const auto sigma = numbers({0.1, 0.8, 4.0});  // reaching 0, 3 and 16 voxels
  const auto blurred = torch::matmul(gaussian_matrix(sigma, 9), x.view({3, 9, 1}));
  CHECK(max_gap(blurred.view(x.sizes()), gaussian_blur(x, sigma)) < 1e-14);
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

TEST_CASE("masking noise overwrites its share of voxels and marks them", "[transforms]") {
  // A quarter of 0.2, 0.4, 0.6, 0.8 set to 0 costs 0.25 * 0.3 = 0.075 on average; the cost of a
  // voxel, x^2 or 0, has variance E x^4 / 4 - 0.075^2.
  const auto four = numbers({0.2, 0.4, 0.6, 0.8}).view({1, 1, 1, 4}).repeat({1, 1, 10'000, 1});
  auto view = made(MaskingNoise(MaskingNoiseOptions{}), batch_of(four));
  const auto cost = (view.image() - four).square();
  CHECK(mean_is(cost, 0.075, std::sqrt(four.pow(4).mean().item<double>() / 4 - 0.075 * 0.075)));
  CHECK(torch::equal(view.marked(), view.image() == 0));
  CHECK(torch::equal(view.image().masked_select(view.marked().logical_not()),
                     four.masked_select(view.marked().logical_not())));
  MaskingNoiseOptions options;
  options.fraction = 1;
  options.value = 0.5;
  CHECK((made(MaskingNoise(options), batch_of(four)).image() == 0.5).all().item<bool>());
}

TEST_CASE("salt and pepper are equally frequent, and marked", "[transforms]") {
  auto view =
      made(SaltAndPepper(SaltAndPepperOptions{}), batch_of(torch::full({1, 1, 200, 200}, 0.5)));
  const auto salt = view.image() == 1;
  const auto pepper = view.image() == 0;
  CHECK(mean_is(salt.to(torch::kFloat64), 0.05, std::sqrt(0.05 * 0.95)));
  CHECK(mean_is(pepper.to(torch::kFloat64), 0.05, std::sqrt(0.05 * 0.95)));
  CHECK(torch::equal(view.marked(), salt.logical_or(pepper)));
  CHECK(((view.image() == 0.5) != view.marked()).all().item<bool>());
}

TEST_CASE("what overwrites voxels marks those of the applied samples, in all channels alike",
          "[transforms]") {
  const auto batch = speckle(3, 2, {20, 14});
  InpaintOptions boxes;
  boxes.go_on = 1;
  const auto check = [&](const Transform& transform) {
    auto view = made(transform, batch, {0, 1, 0});
    const auto changed = (view.image() != batch.image);
    CHECK(torch::equal(view.marked(), changed.all(1, true)));
    CHECK(torch::equal(view.marked(), changed.any(1, true)));
    CHECK(view.marked()[1].any().item<bool>());
  };
  check(MaskingNoise(MaskingNoiseOptions{}));
  check(SaltAndPepper(SaltAndPepperOptions{}));
  check(Inpaint(boxes));
  check(Outpaint(OutpaintOptions{}));
  check(Paint(PaintOptions{}));
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
    check(MaskingNoise(MaskingNoiseOptions{}));
    check(SaltAndPepper(SaltAndPepperOptions{}));
  }
}

TEST_CASE("corruptions say what is wrong", "[transforms][errors]") {
  const auto x = torch::zeros({2, 1, 3, 3});
  CHECK_THROWS_WITH(add_noise(x, numbers({1}), x), "std: expected [2], got [1]");
  CHECK_THROWS_WITH(add_noise(x, numbers({1, 1}), x[0]),
                    "field: expected [2, 1, 3, 3], got [1, 3, 3]");
  CHECK_THROWS_WITH(gaussian_taps(numbers({1}), numbers({1, 1})), "radius: expected [1], got [2]");
  CHECK_THROWS_WITH(gaussian_blur(x, numbers({1})), "sigma: expected [2], got [1]");
  CHECK_THROWS_WITH(
      schema_of<BlurOptions>().parse(OptionTable{{"sigma", OptionArray{-1.0, 1.0}}}, "views.v"),
      Catch::Contains("'sigma' must be at least"));
}
