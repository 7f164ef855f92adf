#include "affine_head.h"

#include "support/catch.h"
#include "support/numeric.h"

#include "covector/core/spatial_map.h"

#include <ATen/autocast_mode.h>
#include <torch/types.h>

#include <numbers>
#include <vector>

namespace covector::gvsl {
namespace {

using testing::gradient_gap;
using testing::max_gap;

at::Tensor row(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64).view({1, -1});
}

AffineValues values_2d() {
  return {row({0.5}), row({0.4, -1.5}), row({0.5, -0.5}), row({3, -2})};
}

AffineValues values_3d() {
  return {row({0.5, -0.25, 2}), row({0.4, -1.5, 0}), row({0.5, 0, -0.5, 0, 0.25, 0}),
          row({3, -2, 1})};
}

at::Tensor random_image(std::vector<std::int64_t> size) {
  size.insert(size.begin(), {1, 2});
  return torch::rand(size, torch::kFloat64);
}

TEST_CASE("the affine matrix of GVSL at printed values", "[gvsl]") {
  const auto plane = row({1.094683, -0.126393, 3, 0.035461, 0.755317, -2}).view({1, 2, 3});
  CHECK(max_gap(affine_matrix(values_2d()), plane) < 6e-7);
  const auto volume = row({1.052085, -0.325767, -0.036024, 3, 0.165449, 0.723964, -0.142353, -2,
                           0.132115, 0.156128, 0.980039, 1})
                          .view({1, 3, 4});
  CHECK(max_gap(affine_matrix(values_3d()), volume) < 6e-7);
}

TEST_CASE("values of 0 are the identity, and each row of a batch has its own", "[gvsl]") {
  for (const std::int64_t d : {2, 3}) {
    const auto zeros = [](std::int64_t columns) {
      return torch::zeros({2, columns}, torch::kFloat64);
    };
    const AffineValues rest{zeros(d == 2 ? 1 : 3), zeros(d), zeros(d * (d - 1)), zeros(d)};
    CHECK(torch::equal(affine_matrix(rest),
                       torch::eye(d, d + 1, torch::kFloat64).expand({2, d, d + 1})));
  }
  auto two = values_2d();
  two.rotation = torch::tensor({{0.0}, {0.5}}, torch::kFloat64);
  two.scale = two.shear = torch::zeros({2, 2}, torch::kFloat64);
  two.translation = two.scale;
  const auto matrix = affine_matrix(two);
  CHECK(max_gap(matrix[0], torch::eye(2, 3, torch::kFloat64)) < 1e-15);
  CHECK(matrix[1][1][0].item<double>() == Approx(std::sin(std::numbers::pi / 18)));
}

TEST_CASE("the affine matrix passes a gradient to every value within its bounds",
          "[gvsl][gradient]") {
  torch::manual_seed(1);
  for (const std::int64_t d : {2, 3}) {
    const auto weight = torch::randn({2, d, d + 1}, torch::kFloat64);
    const auto value = [&](std::int64_t columns) {
      return torch::rand({2, columns}, torch::kFloat64) * 1.6 - 0.8;
    };
    const AffineValues values{value(d == 2 ? 1 : 3), value(d), value(d * (d - 1)), value(d)};
    for (const auto member : {&AffineValues::rotation, &AffineValues::scale, &AffineValues::shear,
                              &AffineValues::translation})
      CHECK(gradient_gap(
                [&](const at::Tensor& x) {
                  auto changed = values;
                  changed.*member = x;
                  return (affine_matrix(changed) * weight).sum();
                },
                values.*member) < 1e-7);
  }
}

TEST_CASE("an image is read about its centre, in voxels", "[gvsl]") {
  torch::manual_seed(2);
  for (const auto& size : std::vector<std::vector<std::int64_t>>{{5, 8}, {4, 7, 6}}) {
    const auto d = static_cast<std::int64_t>(size.size());
    const auto image = random_image(size);
    auto matrix = torch::eye(d, d + 1, torch::kFloat64).unsqueeze(0);
    CHECK(max_gap(affine_warp(image, matrix), image) < 1e-14);
    // Two voxels along the last axis: the value that stood two further on.
    matrix[0][d - 1][d] = 2;
    const auto moved = affine_warp(image, matrix);
    CHECK(max_gap(moved.slice(-1, 0, -2), image.slice(-1, 2)) < 1e-13);
    CHECK(moved.slice(-1, -2).abs().max().item<double>() < 1e-13);
  }
  // A quarter turn of a 3 x 5 image: (r, c) reads (1 - (c - 2), 2 + (r - 1)) where that is inside.
  const auto image = random_image({3, 5});
  const auto turned = affine_warp(image, row({0, -1, 0, 1, 0, 0}).view({1, 2, 3}));
  for (std::int64_t r = 0; r < 3; ++r)
    for (std::int64_t c = 1; c < 4; ++c)
      CHECK(turned[0][1][r][c].item<double>() ==
            Approx(image[0][1][3 - c][r + 1].item<double>()).margin(1e-12));
  CHECK(turned.select(3, 0).abs().max().item<double>() < 1e-12);
}

TEST_CASE("a moved image passes its gradient to the matrix and to the image", "[gvsl][gradient]") {
  torch::manual_seed(3);
  for (const auto& size : std::vector<std::vector<std::int64_t>>{{5, 8}, {4, 5, 6}}) {
    const auto image = random_image(size);
    const auto weight = torch::randn_like(image);
    const auto matrix = affine_matrix(size.size() == 2 ? values_2d() : values_3d());
    CHECK(gradient_gap([&](const at::Tensor& m) { return (affine_warp(image, m) * weight).sum(); },
                       matrix) < 1e-6);
    CHECK(gradient_gap([&](const at::Tensor& x) { return (affine_warp(x, matrix) * weight).sum(); },
                       image) < 1e-7);
  }
}

TEST_CASE("under autocast the matrix stays float32", "[gvsl]") {
  auto values = values_3d();
  for (const auto member : {&AffineValues::rotation, &AffineValues::scale, &AffineValues::shear,
                            &AffineValues::translation})
    values.*member = (values.*member).to(torch::kBFloat16);
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const auto narrow = torch::matmul(torch::ones({2, 2}), torch::ones({2, 2}));
  const auto matrix = affine_matrix(values);
  const auto moved = affine_warp(torch::rand({1, 1, 4, 5, 6}), matrix);
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  CHECK(narrow.scalar_type() == torch::kBFloat16);  // autocast was on
  CHECK(matrix.scalar_type() == torch::kFloat32);
  CHECK(moved.scalar_type() == torch::kFloat32);
  // Values of 8 bits, matrix of 24.
  CHECK(max_gap(matrix.slice(2, 0, 3), affine_matrix(values_3d()).slice(2, 0, 3)) < 2e-3);
}

TEST_CASE("the affine head starts at the identity or as the library does", "[gvsl]") {
  torch::manual_seed(4);
  for (const std::int64_t d : {2, 3}) {
    const std::vector<std::int64_t> shape =
        d == 2 ? std::vector<std::int64_t>{2, 8, 3, 4} : std::vector<std::int64_t>{2, 8, 3, 4, 2};
    const auto a = torch::randn(shape);
    const auto b = torch::randn(shape);
    const AffineHead rest(d, 8, true);
    CHECK(torch::equal(affine_matrix(rest.forward(a, b)),
                       torch::eye(d, d + 1).expand({2, d, d + 1})));
    const AffineHead random(d, 8, false);
    const auto matrix = affine_matrix(random.forward(a, b));
    CHECK((matrix - torch::eye(d, d + 1)).abs().max().item<double>() > 1e-3);
    CHECK_FALSE(torch::equal(matrix[0], matrix[1]));
    CHECK_FALSE(torch::equal(matrix, affine_matrix(random.forward(b, a))));
  }
}

}  // namespace
}  // namespace covector::gvsl
