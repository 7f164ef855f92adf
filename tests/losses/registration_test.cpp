#include "support/catch.h"
#include "support/numeric.h"

#include "covector/losses/registration.h"

#include <torch/types.h>

#include <vector>

using namespace covector::losses;
using covector::testing::gradient_gap;
using covector::testing::max_gap;

namespace {

// 0 .. 1 in even steps on 4 x 4 or 2 x 2 x 2 voxels.
at::Tensor ramp(std::vector<std::int64_t> size) {
  const auto count = c10::multiply_integers(size);
  size.insert(size.begin(), {1, 1});
  return torch::arange(count, torch::kFloat64).div(count - 1).view(size);
}

double loss(const at::Tensor& a, const at::Tensor& b, std::int64_t window) {
  return 1 - local_correlation(a, b, window).mean().item<double>();
}

// The coefficient at one voxel of the only sample, by its definition: deviations from the means
// over a box that reads zeros beyond the border.
double correlation_at(const at::Tensor& a, const at::Tensor& b, const std::vector<std::int64_t>& at,
                      std::int64_t window) {
  const auto r = window / 2;
  const std::vector<std::int64_t> padding(2 * at.size(), r);
  auto x = torch::constant_pad_nd(a[0][0], padding);
  auto y = torch::constant_pad_nd(b[0][0], padding);
  for (std::size_t axis = 0; axis < at.size(); ++axis) {
    x = x.narrow(static_cast<std::int64_t>(axis), at[axis], window);
    y = y.narrow(static_cast<std::int64_t>(axis), at[axis], window);
  }
  x = x - x.mean();
  y = y - y.mean();
  const auto cross = (x * y).sum().item<double>();
  return cross * cross / (x.square().sum().item<double>() * y.square().sum().item<double>() + 1e-5);
}

at::Tensor direct(const at::Tensor& a, const at::Tensor& b, std::int64_t window) {
  auto out = torch::empty_like(a);
  auto flat = out.view({-1});
  const auto size = a.sizes().slice(2);
  for (std::int64_t i = 0; i < flat.numel(); ++i) {
    std::vector<std::int64_t> at(size.size());
    auto rest = i;
    for (auto axis = static_cast<std::int64_t>(size.size()) - 1; axis >= 0; --axis) {
      at[axis] = rest % size[axis];
      rest /= size[axis];
    }
    flat[i] = correlation_at(a, b, at, window);
  }
  return out;
}

}  // namespace

TEST_CASE("local correlation at the printed values of GVSL", "[losses]") {
  const auto plane = ramp({4, 4});
  CHECK(loss(plane, plane.square(), 9) == Approx(0.067448).margin(6e-7));
  CHECK(loss(plane, plane.square(), 3) == Approx(0.056378).margin(6e-7));
  const auto cube = ramp({2, 2, 2});
  const auto curved = local_correlation(cube, 1 - cube.square());
  CHECK(max_gap(curved, torch::full_like(curved, 0.238909)) < 6e-7);
  CHECK(loss(cube, torch::zeros_like(cube), 9) == 1.0);
}

TEST_CASE("local correlation agrees with its definition at every voxel", "[losses]") {
  torch::manual_seed(10);
  for (const auto& size : std::vector<std::vector<std::int64_t>>{{13, 7}, {5, 11, 4}}) {
    auto shape = size;
    shape.insert(shape.begin(), {1, 1});
    const auto a = torch::rand(shape, torch::kFloat64);
    const auto b = a.square() + 0.2 * torch::rand(shape, torch::kFloat64);
    for (const std::int64_t window : {1, 3, 9}) {
      const auto wanted = direct(a, b, window);
      CHECK(max_gap(local_correlation(a, b, window), wanted) < 1e-11);
      // Float32 images are as good as their own 24 bits: 1e-7 of a deviation near 1e-2.
      const auto narrow = local_correlation(a.to(torch::kFloat32), b.to(torch::kFloat32), window);
      CHECK(narrow.scalar_type() == torch::kFloat32);
      CHECK(max_gap(narrow, wanted) < 2e-5);
    }
  }
}

TEST_CASE("a constant image correlates with nothing, however long the sums run", "[losses]") {
  torch::manual_seed(11);
  const auto noise = torch::rand({1, 1, 40, 300});
  const auto inside = local_correlation(torch::full_like(noise, 0.7), noise, 9)
                          .slice(2, 4, -4)
                          .slice(3, 4, -4);  // the border sees the zeros beyond it
  CHECK(inside.abs().max().item<double>() < 1e-9);
}

TEST_CASE("samples and channels are correlated on their own", "[losses]") {
  torch::manual_seed(12);
  const auto a = torch::rand({2, 1, 6, 5});
  const auto b = torch::rand({2, 1, 6, 5});
  const auto both = local_correlation(a, b, 3);
  CHECK(
      torch::equal(both.slice(0, 1, 2), local_correlation(a.slice(0, 1, 2), b.slice(0, 1, 2), 3)));
  CHECK(torch::equal(local_correlation(a.transpose(0, 1), b.transpose(0, 1), 3),
                     both.transpose(0, 1)));
  CHECK(local_correlation(a.to(torch::kBFloat16), b.to(torch::kBFloat16)).scalar_type() ==
        torch::kFloat32);
}

TEST_CASE("roughness at the printed values of GVSL and GEMINI", "[losses]") {
  auto volume = torch::zeros({1, 3, 2, 2, 2}, torch::kFloat64);
  volume[0][0] = torch::tensor({0, 1, 2, 3, 1, 1, 0, 2}, torch::kFloat64).view({2, 2, 2});
  volume[0][1] = 0.5;
  volume[0][2][1][1][1] = 1;
  // Per axis 7/12, 11/12, 7/12.
  CHECK(roughness(volume).item<double>() == Approx(25.0 / 36).epsilon(1e-12));

  const auto plane = torch::tensor({0, 1, 2, 4, 1, 1, 0, -1}, torch::kFloat64).view({1, 2, 2, 2});
  CHECK(roughness(plane).item<double>() == 3.0);
  CHECK(roughness(-0.5 * plane).item<double>() == 0.75);
}

TEST_CASE("an axis of one voxel adds no roughness", "[losses]") {
  const auto row = torch::tensor({0.0, 2.0, 3.0, 3.0}, torch::kFloat64).view({1, 2, 1, 2});
  CHECK(roughness(row).item<double>() == (4.0 + 0.0) / 2 / 2);
  CHECK(roughness(row.to(torch::kBFloat16)).scalar_type() == torch::kFloat32);
}

TEST_CASE("registration losses have the gradients of their formulas", "[losses][gradient]") {
  torch::manual_seed(13);
  for (const auto& shape : std::vector<std::vector<std::int64_t>>{{2, 1, 5, 4}, {1, 1, 3, 4, 3}}) {
    const auto b = torch::rand(shape, torch::kFloat64);
    const auto weight = torch::rand(shape, torch::kFloat64);
    for (const std::int64_t window : {3, 9}) {
      CHECK(
          gradient_gap(
              [&](const at::Tensor& a) { return (local_correlation(a, b, window) * weight).sum(); },
              torch::rand(shape, torch::kFloat64)) < 1e-6);
      CHECK(
          gradient_gap(
              [&](const at::Tensor& a) { return (local_correlation(b, a, window) * weight).sum(); },
              torch::rand(shape, torch::kFloat64)) < 1e-6);
    }
    auto field = shape;
    field[1] = static_cast<std::int64_t>(shape.size()) - 2;
    CHECK(gradient_gap([](const at::Tensor& u) { return roughness(u); },
                       torch::randn(field, torch::kFloat64)) < 1e-7);
  }
}

TEST_CASE("registration losses say what is wrong", "[losses][errors]") {
  const auto a = torch::zeros({1, 1, 4, 4});
  CHECK_THROWS_WITH(local_correlation(a, torch::zeros({1, 1, 4, 5})),
                    "b: expected [1, 1, 4, 4], got [1, 1, 4, 5]");
  CHECK_THROWS_WITH(local_correlation(a, a, 4), "window: must be odd and at least 1, got 4");
  CHECK_THROWS_WITH(roughness(torch::zeros({1, 3, 4, 4})),
                    "displacement: expected [1, 2, 4, 4], got [1, 3, 4, 4]");
}
