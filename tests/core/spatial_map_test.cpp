#include "support/catch.h"
#include "support/numeric.h"

#include "covector/core/spatial_map.h"

#include <torch/types.h>

using namespace covector;
using covector::testing::gradient_gap;
using covector::testing::max_gap;

TEST_CASE("coordinates of an affine map worked out by hand", "[spatial_map]") {
  // q = (2 y + 1, x - y): voxel (1, 2) reads (3, 1).
  const auto matrix =
      torch::tensor({2.0, 0.0, 1.0, -1.0, 1.0, 0.0}, torch::kFloat64).view({1, 2, 3});
  const auto q = SpatialMap(matrix, {3, 4}).coordinates(torch::kFloat64);
  CHECK(q.sizes() == at::IntArrayRef({1, 2, 3, 4}));
  CHECK(q[0][0][1][2].item<double>() == 3.0);
  CHECK(q[0][1][1][2].item<double>() == 1.0);
}

TEST_CASE("then_read composes from the outside in", "[spatial_map]") {
  // Crop at (1, 2), then read a grid that is stretched by 2: p -> 2 (p + (1, 2)).
  const auto crop = SpatialMap::translation(torch::tensor({{1.0, 2.0}}, torch::kFloat64), {2, 2});
  const auto stretch = SpatialMap(
      torch::tensor({2.0, 0.0, 0.0, 0.0, 2.0, 0.0}, torch::kFloat64).view({1, 2, 3}), {4, 4});
  const auto q = crop.then_read(stretch).coordinates(torch::kFloat64);
  CHECK(q[0][0][1][1].item<double>() == 4.0);
  CHECK(q[0][1][1][1].item<double>() == 6.0);
}

TEST_CASE("a map followed by its inverse is the identity", "[spatial_map]") {
  const auto matrix =
      torch::tensor({1.1, 0.2, -3.0, -0.3, 0.8, 5.0}, torch::kFloat64).view({1, 2, 3});
  const SpatialMap map(matrix, {5, 6});
  const auto round = map.inverse({5, 6}).then_read(map).coordinates(torch::kFloat64);
  CHECK(max_gap(round, voxel_grid({5, 6}, torch::kFloat64)) < 1e-12);
  CHECK_THROWS_WITH(SpatialMap(torch::zeros({1, 2, 3}, torch::kFloat64), {2, 2}).inverse({2, 2}),
                    "the spatial map is singular and has no inverse");
}

TEST_CASE("displacement_to leads to the same content in the other view", "[spatial_map]") {
  // This view reads source voxel p + (4, 1), the other p + (1, 3): u = (3, -2) everywhere.
  const auto here = SpatialMap::translation(torch::tensor({{4.0, 1.0}}, torch::kFloat64), {3, 3});
  const auto there = SpatialMap::translation(torch::tensor({{1.0, 3.0}}, torch::kFloat64), {3, 3});
  const auto u = here.displacement_to(there, torch::kFloat64);
  CHECK((u.select(1, 0) == 3.0).all().item<bool>());
  CHECK((u.select(1, 1) == -2.0).all().item<bool>());
}

TEST_CASE("sample_at reads between voxels and zero outside", "[spatial_map]") {
  const auto image = torch::tensor({0.0, 1.0, 2.0, 3.0}, torch::kFloat64).view({1, 1, 2, 2});
  // (0.5, 0.5) is the mean 1.5; (1, 0.25) is 2.25; (-1, 0) is outside.
  const auto at =
      torch::tensor({0.5, 1.0, -1.0, 0.5, 0.25, 0.0}, torch::kFloat64).view({1, 2, 1, 3});
  const auto read = sample_at(image, at).flatten();
  CHECK(read[0].item<double>() == Approx(1.5));
  CHECK(read[1].item<double>() == Approx(2.25));
  CHECK(read[2].item<double>() == 0.0);
}

TEST_CASE("a side of one voxel can be sampled", "[spatial_map]") {
  const auto image = torch::tensor({1.0, 3.0}, torch::kFloat64).view({1, 1, 1, 2});
  const auto at = torch::tensor({0.0, 0.0, 0.0, 0.5}, torch::kFloat64).view({1, 2, 1, 2});
  const auto read = sample_at(image, at).flatten();
  CHECK(read[0].item<double>() == Approx(1.0));
  CHECK(read[1].item<double>() == Approx(2.0));
}

TEST_CASE("warp has the gradients of its formula", "[spatial_map][gradient]") {
  torch::manual_seed(3);
  for (const auto convention : {GridConvention::paper, GridConvention::released}) {
    const auto image = torch::randn({1, 2, 4, 5}, torch::kFloat64);
    const auto weight = torch::randn({1, 2, 4, 5}, torch::kFloat64);
    // Off the voxel centres, where the interpolation has kinks.
    const auto field = torch::rand({1, 2, 4, 5}, torch::kFloat64) * 0.1 + 0.23;
    CHECK(gradient_gap(
              [&](const at::Tensor& x) { return (warp(x, field, convention) * weight).sum(); },
              image) < 1e-8);
    CHECK(gradient_gap(
              [&](const at::Tensor& u) { return (warp(image, u, convention) * weight).sum(); },
              field) < 1e-6);
  }
}

TEST_CASE("inside follows each convention at the border", "[spatial_map]") {
  const auto u = torch::tensor({0.0, 0.0, -1.0}, torch::kFloat64).view({1, 1, 1, 3});
  const auto field = torch::cat({torch::zeros_like(u), u}, 1);
  // One row: its only coordinate is 0, which the published code calls outside.
  CHECK(inside(field, GridConvention::paper).sum().item<std::int64_t>() == 3);
  CHECK(inside(field, GridConvention::released).sum().item<std::int64_t>() == 0);
}
