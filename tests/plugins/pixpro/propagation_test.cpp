#include "propagation.h"

#include "support/catch.h"
#include "support/numeric.h"
#include "support/peak_memory.h"

#include "covector/losses/contrast.h"

#include <torch/types.h>

namespace covector::pixpro {
namespace {

at::Tensor rows(std::vector<double> numbers) {
  const auto n = static_cast<std::int64_t>(numbers.size()) / 2;
  return torch::tensor(numbers, torch::kFloat64).view({1, n, 2});
}

// Vector X2 of the sheet.
at::Tensor cells() {
  return rows({1, 0, 1, 1, 0, 2, -1, 0});
}

// Vector X3: cells 0 .. 3 of the first view near those of the second.
at::Tensor near_cells() {
  auto near = torch::zeros({1, 4, 4}, torch::kBool);
  for (const auto& [i, j] : std::vector<std::pair<int, int>>{
           {0, 0}, {1, 0}, {1, 1}, {1, 2}, {1, 3}, {2, 2}, {3, 2}, {3, 3}})
    near[0][i][j] = true;
  return near;
}

TEST_CASE("propagation of four cells", "[pixpro]") {
  // cos(x0, x1) = 1 / sqrt 2, squared 1/2: y0 = (1, 0) + (1, 1) / (2 sqrt 2); x3 has no other.
  const auto half = 0.5 / std::sqrt(2.0);
  const auto expected = rows(
      {1 + half, half, 0.5 + 1 / std::sqrt(2.0), 0.5 + 1 / std::sqrt(2.0), half, 1 + half, -1, 0});
  CHECK(testing::max_gap(propagate(cells(), cells(), 2, 0), expected) < 1e-12);
  CHECK(testing::max_gap(expected, rows({1.353553, 0.353553, 1.207107, 1.207107, 0.353553, 1.353553,
                                         -1, 0})) < 1e-6);
  // Values with their axes swapped.
  CHECK(testing::max_gap(
            propagate(cells(), cells().flip(2), 2, 0),
            rows({0.353553, 1.353553, 1.207107, 1.207107, 1.353553, 0.353553, 0, -1})) < 1e-6);
}

TEST_CASE("propagation by a power below one, and from a larger least similarity", "[pixpro]") {
  // cos = 0: the root of 1e-6 is 1e-3.
  const auto apart = rows({1, 0, 0, 1});
  const auto own = std::sqrt(1 + 1e-6);
  CHECK(testing::max_gap(propagate(apart, apart, 0.5, 0), rows({own, 1e-3, 1e-3, own})) < 1e-12);
  CHECK(testing::max_gap(propagate(apart, apart, 1, 0.25), rows({1, 0.25, 0.25, 1})) < 1e-12);
}

TEST_CASE("consistency of near cells", "[pixpro]") {
  const auto near = near_cells();
  const auto first = losses::unit(propagate(cells(), cells(), 2, 0), 2);
  const auto there = consistency(first, rows({0.6, 0.8, 0.8, 0.6, 0, 1, 1, 0}), near);
  CHECK(there.item<double>() == Approx(-1.036088).margin(5e-7));
  const auto other = rows({0, 1, 1, 1, 1, 0, -1, 1});
  const auto second = losses::unit(propagate(other, other, 2, 0), 2);
  const auto back =
      consistency(second, rows({1, 0, 0, 1, 0.6, 0.8, 0.8, -0.6}), near.transpose(1, 2));
  CHECK(back.item<double>() == Approx(-0.826428).margin(5e-7));
  CHECK((there + back).item<double>() == Approx(-1.862516).margin(1e-6));
}

TEST_CASE("a sample without near cells counts with 0", "[pixpro]") {
  const auto row = rows({1, 0});
  const auto y = torch::cat({row, row}).set_requires_grad(true);
  auto near = torch::ones({2, 1, 1}, torch::kBool);
  near[1] = false;
  // -2 * 1 / (1 + 1e-6) for one of two samples.
  auto loss = consistency(y, y.detach(), near);
  CHECK(loss.item<double>() == Approx(-1 / (1 + 1e-6)).epsilon(1e-14));
  loss.backward();
  CHECK(y.grad()[0].abs().sum().item<double>() > 0);
  CHECK(y.grad()[1].abs().sum().item<double>() == 0);
  CHECK(consistency(y, y, torch::zeros_like(near)).item<double>() == 0);
}

TEST_CASE("propagation and consistency have the gradients of their formulas",
          "[pixpro][gradient]") {
  torch::manual_seed(1);
  const auto w = torch::randn({2, 5, 3}, torch::kFloat64);
  for (const double power : {2.0, 1.0, 0.5})
    CHECK(
        testing::gradient_gap(
            [&](const at::Tensor& x) { return (w * propagate(x, x.roll(1, 2), power, 0.1)).sum(); },
            torch::randn({2, 5, 3}, torch::kFloat64)) < 1e-6);
  const auto z = torch::randn({2, 4, 3}, torch::kFloat64);
  const auto near = torch::rand({2, 5, 4}) < 0.4;
  CHECK(testing::gradient_gap([&](const at::Tensor& y) { return consistency(y, z, near); },
                              torch::randn({2, 5, 3}, torch::kFloat64)) < 1e-7);
}

TEST_CASE("no gradient flows into the cells that are compared with", "[pixpro][gradient]") {
  const auto y = cells().set_requires_grad(true);
  const auto z = cells().set_requires_grad(true);
  consistency(y, z, near_cells()).backward();
  CHECK(y.grad().defined());
  CHECK_FALSE(z.grad().defined());
}

TEST_CASE("the affinities are what propagation costs", "[pixpro][memory]") {
  // Three matrices of n x n float32 for the gradient: similarity, clamped, raised to the power.
  const auto cost = [](std::int64_t batch, std::int64_t n) {
    const auto x = torch::randn({batch, n, 4}).requires_grad_();
    return testing::peak_bytes([&] {
      const auto y = losses::unit(propagate(x, x, 2, 0), 2);
      consistency(y, y.detach(), torch::ones({batch, n, n}, torch::kBool)).backward();
    });
  };
  for (const auto& [batch, n] : {std::pair<std::int64_t, std::int64_t>{2, 144}, {3, 576}}) {
    const auto matrix = 4 * batch * n * n;
    CHECK(cost(batch, n) > matrix);
    CHECK(cost(batch, n) < 6 * matrix + 100 * 4 * batch * n * 4);
  }
}

TEST_CASE("propagation says which shape is wrong", "[pixpro][errors]") {
  const auto x = torch::zeros({1, 4, 2});
  CHECK_THROWS_WITH(propagate(x, torch::zeros({1, 3, 2}), 2, 0),
                    "values: expected [1, 4, *], got [1, 3, 2]");
  CHECK_THROWS_WITH(consistency(x, torch::zeros({1, 3, 5}), torch::zeros({1, 4, 3})),
                    "z: expected [1, *, 2], got [1, 3, 5]");
  CHECK_THROWS_WITH(consistency(x, x, torch::zeros({1, 4, 3})),
                    "near: expected [1, 4, 4], got [1, 4, 3]");
}

}  // namespace
}  // namespace covector::pixpro
