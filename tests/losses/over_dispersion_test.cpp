#include "support/catch.h"
#include "support/numeric.h"

#include "covector/losses/over_dispersion.h"

#include <torch/types.h>

#include <cmath>

using namespace covector::losses;

namespace {

double value(const at::Tensor& scalar) {
  return scalar.item<double>();
}

at::Tensor rows(std::vector<double> values, std::int64_t count) {
  // [1, C, count, 1]: `count` features given one after the other.
  return torch::tensor(values, torch::kFloat64)
      .view({count, -1})
      .t()
      .contiguous()
      .view({1, -1, count, 1});
}

}  // namespace

TEST_CASE("distances of neighbours worked out by hand", "[losses]") {
  // 2 x 2 pixels (1, 0) (0, 2) / (3, 0) (-1, 0): along x 1 and 2, along y 0 and 1.
  const auto features =
      torch::tensor({1.0, 0.0, 3.0, -1.0, 0.0, 2.0, 0.0, 0.0}, torch::kFloat64).view({1, 2, 2, 2});
  const auto labels = torch::tensor({0, 0, 0, 1}, torch::kInt64).view({1, 1, 2, 2});
  const auto got = over_dispersion(features, labels);
  CHECK(value(got.all.mean) == Approx(1.0));
  // Ranks of (0, 1, 1, 2): 0.99 * 3 = 2.97, between 1 and 2.
  CHECK(value(got.all.p99) == Approx(1.97));
  CHECK(value(got.within->mean) == Approx(0.5));  // pairs (0, 0)-(0, 1) and (0, 0)-(1, 0): 1 and 0
  CHECK(value(got.within->p99) == Approx(0.99));
  CHECK(value(got.across->mean) == Approx(1.5));  // the two pairs of pixel (1, 1): 2 and 1
  CHECK(value(got.across->p99) == Approx(1.99));
}

TEST_CASE("in 3D a voxel has six neighbours", "[losses]") {
  // Only the voxel in the middle differs: 6 of the 54 pairs of a 3 x 3 x 3 cube, at distance 2.
  auto features = torch::ones({1, 1, 3, 3, 3});
  features[0][0][1][1][1] = -1;
  const auto got = over_dispersion(features, torch::zeros({1, 1, 3, 3, 3}, torch::kInt64));
  CHECK(value(got.all.mean) == Approx(12.0 / 54));
  CHECK(value(got.all.p99) == Approx(2.0));
  CHECK(value(got.within->mean) == value(got.all.mean));
  CHECK(std::isnan(value(got.across->mean)));
  CHECK_FALSE(over_dispersion(features).within.has_value());
}

TEST_CASE("a batch's samples are never neighbours of each other", "[losses]") {
  const auto features = torch::tensor({1.0, 1.0, -1.0, -1.0}).view({2, 1, 1, 2});
  CHECK(value(over_dispersion(features).all.mean) == 0.0);
}

TEST_CASE("a sample of the pairs measures what all of them do", "[losses]") {
  // A checkerboard of 64-pixel squares: 1 pair in 64 crosses an edge, at distance 1. Of 2000 evenly
  // spread pairs an axis the share is known within a few in 2000.
  const auto band = torch::arange(512).div(64, "floor");
  const auto board = (band.view({-1, 1}) + band.view({1, -1})).remainder(2);
  const auto features = torch::stack({board, 1 - board}).to(torch::kFloat32).unsqueeze(0);
  const auto exact = value(over_dispersion(features, {}, 1 << 20).all.mean);
  CHECK(exact == Approx(7.0 / 511));
  CHECK(std::abs(value(over_dispersion(features, {}, 2000).all.mean) - exact) < 0.005);
}

TEST_CASE("bfloat16 features are compared in float32", "[losses]") {
  torch::manual_seed(11);
  const auto features = torch::randn({2, 8, 9, 7}).to(torch::kBFloat16);
  const auto narrow = over_dispersion(features).all;
  CHECK(narrow.mean.scalar_type() == torch::kFloat32);
  CHECK(value(narrow.mean) ==
        Approx(value(over_dispersion(features.to(torch::kFloat64)).all.mean)).epsilon(1e-5));
}

TEST_CASE("the effective rank of features worked out by hand", "[losses]") {
  // The four unit vectors of the plane: mean 0, singular values sqrt 2 twice.
  CHECK(value(effective_rank(rows({1, 0, 0, 1, -1, 0, 0, -1}, 4))) == Approx(2.0));
  // The same with a common offset, in four directions of which two are used.
  CHECK(value(effective_rank(rows({9, 5, 5, 0, 8, 6, 5, 0, 7, 5, 5, 0, 8, 4, 5, 0}, 4))) ==
        Approx(2.0));
  // Singular values 3 sqrt 2 and sqrt 2: p = 3/4 and 1/4.
  const auto wanted = std::exp(-(0.75 * std::log(0.75) + 0.25 * std::log(0.25)));
  CHECK(value(effective_rank(rows({3, 0, 0, 1, -3, 0, 0, -1}, 4))) == Approx(wanted));
  CHECK(value(effective_rank(rows({1, 1, 2, 2, 3, 3}, 3))) == Approx(1.0));
}

TEST_CASE("equal features have effective rank 0", "[losses]") {
  CHECK(value(effective_rank(torch::full({2, 3, 5, 7}, 0.1))) == 0.0);
  CHECK(value(effective_rank(torch::zeros({1, 3, 2, 2, 2}))) == 0.0);
}

TEST_CASE("independent normal features fill every direction", "[losses]") {
  torch::manual_seed(12);
  // 4096 x 8: singular values within sqrt(8 / 4096) = 4 % of each other, so the rank is close to 8.
  CHECK(value(effective_rank(torch::randn({1, 8, 64, 64}))) == Approx(8.0).epsilon(0.005));
  CHECK(value(effective_rank(torch::randn({2, 8, 90, 64}), 2048)) == Approx(8.0).epsilon(0.005));
}

TEST_CASE("over_dispersion says what is wrong", "[losses][errors]") {
  const auto features = torch::zeros({1, 2, 3, 3});
  CHECK_THROWS_WITH(over_dispersion(features, torch::zeros({1, 3, 3}, torch::kInt64)),
                    "labels: expected [1, 1, 3, 3], got [1, 3, 3]");
  CHECK_THROWS_WITH(over_dispersion(torch::zeros({1, 2, 1, 1})),
                    "features: no axis has two pixels, so there are no neighbours");
}
