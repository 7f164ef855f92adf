#include "support/catch.h"

#include "sliding_window.h"
#include "support/numeric.h"

#include <torch/types.h>

#include <cmath>

using namespace covector::segmentation;
using covector::testing::max_gap;

namespace {

// A network of pointwise layers: what it says of a voxel does not depend on the window around it.
at::Tensor pointwise(const at::Tensor& x) {
  return torch::cat({2 * x - 1, x.square(), torch::sin(x)}, 1);
}

}  // namespace

TEST_CASE("windows are spread evenly and end with the image", "[segmentation]") {
  CHECK(window_starts(8, 8, 0.5) == std::vector<std::int64_t>{0});
  // room 2 in one gap of at most 4
  CHECK(window_starts(10, 8, 0.5) == std::vector<std::int64_t>{0, 2});
  // room 9, gaps of at most 4: three gaps of 3
  CHECK(window_starts(17, 8, 0.5) == std::vector<std::int64_t>{0, 3, 6, 9});
  // no overlap: side by side, and 8 / 2 = 4 apart where the image asks for it
  CHECK(window_starts(24, 8, 0.0) == std::vector<std::int64_t>{0, 8, 16});
  CHECK(window_starts(20, 8, 0.0) == std::vector<std::int64_t>{0, 6, 12});
}

TEST_CASE("the weight of a window is the Gaussian of its formula", "[segmentation]") {
  const auto weight = window_weight({8, 4});
  REQUIRE(weight.sizes() == at::IntArrayRef({1, 1, 8, 4}));
  // sides 8 and 4: deviations 1 and 1/2; voxel (3, 1) is 0.5 and 0.5 from the middle
  CHECK(weight[0][0][3][1].item<double>() ==
        Approx(std::exp(-0.5 * 0.25) * std::exp(-0.5 * 1.0)).epsilon(1e-14));
  // the corner: 3.5 and 1.5 away
  CHECK(weight[0][0][0][0].item<double>() ==
        Approx(std::exp(-0.5 * 12.25) * std::exp(-0.5 * 9.0)).epsilon(1e-14));
  CHECK(max_gap(weight, weight.flip({2, 3})) == 0.0);
  // The smallest weight of a 3D window still is a positive float32.
  CHECK(window_weight({96, 96, 96}).to(torch::kFloat32).min().item<float>() > 0.0f);
}

TEST_CASE("a voxel that two windows share is their weighted mean, by hand", "[segmentation]") {
  // One axis of length 6 and windows of 4: starts 0 and 2. The "network" answers with the number of
  // the window it was shown: 0 for the first, 1 for the second.
  const auto image = torch::arange(6, torch::kFloat64).view({1, 1, 6, 1});
  std::int64_t shown = 0;
  const auto out = predict_by_windows(
      image, {.size = {4, 1}, .overlap = 0.5, .batch = 1},
      [&](const at::Tensor& x) { return torch::full_like(x, static_cast<double>(shown++)); });
  REQUIRE(shown == 2);
  // Weights along a side of 4 (deviation 1/2), at 0.5 and 1.5 from the middle:
  const auto near = std::exp(-0.5 * 1.0), far = std::exp(-0.5 * 9.0);
  const auto flat = out.flatten();
  CHECK(flat[0].item<double>() == 0.0);
  CHECK(flat[1].item<double>() == 0.0);
  // voxel 2: third of the first window (near), first of the second (far)
  CHECK(flat[2].item<double>() == Approx(far / (near + far)).epsilon(1e-14));
  CHECK(flat[3].item<double>() == Approx(near / (near + far)).epsilon(1e-14));
  CHECK(flat[4].item<double>() == 1.0);
  CHECK(flat[5].item<double>() == 1.0);
}

TEST_CASE("pointwise networks give by windows what they give at once", "[segmentation]") {
  torch::manual_seed(1);
  const auto overlap = GENERATE(0.0, 0.25, 0.5, 0.75);
  const auto batch = GENERATE(1, 3, 100);
  const auto flat = torch::randn({1, 1, 37, 22}, torch::kFloat64);
  CHECK(max_gap(predict_by_windows(
                    flat, {.size = {16, 12}, .overlap = overlap, .batch = batch, .divisor = 4},
                    pointwise),
                pointwise(flat)) < 1e-13);
  const auto volume = torch::randn({1, 1, 9, 14, 11}, torch::kFloat64);
  CHECK(max_gap(predict_by_windows(volume, {.size = {8, 8, 8}, .overlap = overlap, .batch = batch},
                                   pointwise),
                pointwise(volume)) < 1e-13);
}

TEST_CASE("images that do not fill a window are padded and cropped back", "[segmentation]") {
  torch::manual_seed(2);
  const auto image = torch::randn({1, 1, 5, 30}, torch::kFloat64);
  std::vector<std::int64_t> seen;
  const auto look = [&](const at::Tensor& x) {
    seen = x.sizes().slice(2).vec();
    return pointwise(x);
  };
  CHECK(max_gap(predict_by_windows(image, {.size = {16, 16}, .divisor = 16}, look),
                pointwise(image)) < 1e-13);
  CHECK(seen == std::vector<std::int64_t>{16, 16});
  // No window: the whole image at once, up to the next multiple of the divisor.
  CHECK(max_gap(predict_by_windows(image, {.divisor = 16}, look), pointwise(image)) == 0.0);
  CHECK(seen == std::vector<std::int64_t>{16, 32});
}

TEST_CASE("a half-precision prediction is summed in float32", "[segmentation]") {
  const auto image = torch::ones({1, 1, 40, 40});
  const auto out = predict_by_windows(image, {.size = {16, 16}},
                                      [](const at::Tensor& x) { return x.to(torch::kBFloat16); });
  CHECK(out.scalar_type() == torch::kFloat32);
  CHECK(max_gap(out, image) < 1e-6);
}

TEST_CASE("sliding windows say which size does not fit", "[segmentation][errors]") {
  const auto image = torch::zeros({1, 1, 8, 8});
  CHECK_THROWS_WITH(predict_by_windows(torch::zeros({2, 1, 8, 8}), {}, pointwise),
                    "image: expected a batch of 1, got 2");
  CHECK_THROWS_WITH(predict_by_windows(image, {.size = {4, 4, 4}}, pointwise),
                    "window: expected 2 sides, got 3");
  CHECK_THROWS_WITH(
      predict_by_windows(image, {}, [](const at::Tensor& x) { return x.slice(2, 0, 4); }),
      "prediction of windows: expected [1, *, 8, 8], got [1, 1, 4, 8]");
}
