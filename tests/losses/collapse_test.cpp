#include "support/catch.h"

#include "covector/losses/collapse.h"

#include <torch/types.h>

#include <cmath>
#include <vector>

using namespace covector::losses;

namespace {

at::Tensor rows(const std::vector<double>& values, std::int64_t width = 2) {
  return torch::tensor(values, torch::kFloat64).view({-1, width});
}

double value(const at::Tensor& scalar) {
  return scalar.item<double>();
}

}  // namespace

TEST_CASE("collapse monitors of the four unit vectors of the plane", "[losses]") {
  const auto spread = collapse(rows({1, 0, 0, 1, -1, 0, 0, -1}));
  // Each dimension holds 1, -1, 0, 0: variance 2 / 3. Four pairs at distance^2 2, two at 4.
  CHECK(value(spread.std) == Approx(std::sqrt(2.0 / 3)).epsilon(1e-12));
  CHECK(value(spread.level) == 0.0);  // 1 - sqrt 2 sqrt(2 / 3) is below 0
  CHECK(value(spread.uniformity) ==
        Approx(std::log((4 * std::exp(-4.0) + 2 * std::exp(-8.0)) / 6)).epsilon(1e-12));
  CHECK(value(spread.uniformity) == Approx(-4.39634897).epsilon(1e-8));
  CHECK(value(spread.effective_rank) == Approx(2.0).epsilon(1e-12));
  CHECK_FALSE(spread.alignment.defined());
}

TEST_CASE("equal rows have collapsed", "[losses]") {
  const auto all = collapse(rows({3, 4, 3, 4, 6, 8, 1.5, 2}));
  CHECK(value(all.std) == Approx(0.0).margin(1e-15));
  CHECK(value(all.level) == Approx(1.0));
  CHECK(value(all.uniformity) == Approx(0.0).margin(1e-15));
  CHECK(value(all.effective_rank) == Approx(1.0));
}

TEST_CASE("collapse monitors at the printed values", "[losses]") {
  const auto part = collapse(rows({3, 4, 6, 8, 4, 3, 1, 0}));
  CHECK(value(part.std) == Approx(0.28503966).margin(6e-9));
  CHECK(value(part.std) == Approx((0.19148542 + 0.37859389) / 2).margin(6e-9));
  CHECK(value(part.level) == Approx(1 - std::sqrt(2.0) * 0.28503966).margin(1e-8));
  CHECK(value(part.uniformity) == Approx(-0.52272684).margin(6e-9));
  CHECK(value(part.effective_rank) == Approx(1.80559247).margin(6e-9));
}

TEST_CASE("independent directions reach the values of an even spread", "[losses]") {
  torch::manual_seed(8);
  for (const std::int64_t width : {128, 512}) {
    const auto even = collapse(torch::randn({1000, width}));
    // 1 / sqrt(width), to within the error of 1000 rows.
    CHECK(value(even.std) == Approx(1 / std::sqrt(static_cast<double>(width))).epsilon(2e-3));
    CHECK(value(even.level) < 2e-3);
  }
}

TEST_CASE("alignment is the mean squared distance of unit rows", "[losses]") {
  // (0.6, 0.8) against (1, 0): 0.16 + 0.64; equal directions: 0.
  const auto pair = collapse(rows({3, 4, 0, 2}), rows({1, 0, 0, 9}));
  CHECK(value(pair.alignment) == Approx(0.4));
}

TEST_CASE("of many rows the same 1024 of both views are looked at", "[losses]") {
  torch::manual_seed(9);
  const auto many = torch::randn({5000, 3});
  const auto measured = collapse(many, many);
  CHECK(value(measured.alignment) == 0.0);
  CHECK(value(measured.std) == Approx(1 / std::sqrt(3.0)).epsilon(0.02));
}

TEST_CASE("collapse says what is wrong with its rows", "[losses][errors]") {
  CHECK_THROWS_WITH(collapse(torch::zeros({1, 3})), "first: expected at least 2 rows, got 1");
  CHECK_THROWS_WITH(collapse(torch::zeros({2, 3}), torch::zeros({2, 4})),
                    "second: expected [2, 3], got [2, 4]");
  CHECK_THROWS_WITH(collapse(torch::zeros({6})), "first: expected [*, *], got [6]");
}
