#include "support/catch.h"
#include "support/golden.h"
#include "support/numeric.h"

#include "covector/transforms/spatial/affine.h"
#include "covector/transforms/spatial/crop.h"
#include "sources.h"

#include <torch/types.h>

#include <numbers>

using namespace covector;
using namespace covector::transforms;
using covector::testing::draws_of;
using covector::testing::independent;
using covector::testing::max_gap;
using covector::testing::mean_is;
using covector::testing::ramp;

namespace {

at::Tensor row(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64).unsqueeze(0);
}

AffineParameters still(std::int64_t d) {
  return {torch::zeros({1, d}, torch::kFloat64), torch::ones({1, d}, torch::kFloat64),
          torch::zeros({1, d * (d - 1)}, torch::kFloat64), torch::zeros({1, d}, torch::kFloat64)};
}

// Only one of the ranges is open.
AffineOptions only(double AffineOptions::*range) {
  AffineOptions options;
  const auto kept = options.*range;
  options.rotation = options.scale = options.translation = options.shear = 0;
  options.*range = kept;
  return options;
}

at::Tensor matrices(const AffineOptions& options, const std::vector<std::int64_t>& size) {
  auto draws = draws_of(4000);
  View view(ramp(4000, size));
  Affine(options).apply(view, draws);
  return view.map().matrix();
}

at::Tensor entry(const at::Tensor& matrix, std::int64_t i, std::int64_t j) {
  return matrix.select(1, i).select(1, j);
}

bool spans(const at::Tensor& drawn, double low, double high) {
  const auto margin = 0.01 * (high - low);
  const auto smallest = drawn.min().item<double>();
  const auto largest = drawn.max().item<double>();
  return low <= smallest && smallest < low + margin && high - margin < largest && largest <= high;
}

}  // namespace

TEST_CASE("the affine field equals that of the published code", "[transforms][golden]") {
  const auto file = testing::golden("cover.json").at("affine_field_2d");
  const std::vector<std::int64_t> size = file.at("size");
  const AffineParameters parameters = {
      row({file.at("angle_x"), file.at("angle_y")}), row(file.at("scale")),
      row({file.at("shear_xy"), file.at("shear_yx")}), row(file.at("translate"))};
  const auto map = affine_map(parameters, size, GridConvention::released);
  // The file's matrix is meant for coordinates as rows, and was stored as float32.
  for (std::int64_t i = 0; i < 2; ++i)
    for (std::int64_t j = 0; j < 2; ++j)
      CHECK(map.matrix()[0][j][i].item<double>() ==
            Approx(file.at("matrix").at(i).at(j).get<double>()).epsilon(6e-8));
  const auto field =
      map.coordinates(torch::kFloat64) - voxel_grid(size, torch::dtype(torch::kFloat64));
  // One unit in the last place of the float32 that was stored.
  testing::check_summary(field.to(torch::kFloat32), file.at("field"), 1.2e-7);
}

TEST_CASE("the 3D field turns, scales and shears as a matrix worked out elsewhere",
          "[transforms]") {
  // GVSL's matrix Sh S R_W R_H R_D of these angles, scales and shears, rounded to six digits. Its
  // transpose is R_D' R_H' R_W' S Sh': opposite angles and the shears of the transposed matrix.
  const auto pi = std::numbers::pi;
  auto parameters = still(3);
  parameters.rotation = row({-0.5 * pi / 9, 0.25 * pi / 9, -pi / 9});
  parameters.scale = row({1.1, 0.75, 1.0});
  parameters.shear = row({-0.5 * pi / 18, 0.25 * pi / 18, 0.5 * pi / 18, 0, 0, 0});
  const auto wanted = torch::tensor({{1.052085, -0.325767, -0.036024},
                                     {0.165449, 0.723964, -0.142353},
                                     {0.132115, 0.156128, 0.980039}},
                                    torch::kFloat64);
  const auto map = affine_map(parameters, {5, 6, 7});
  CHECK(max_gap(map.matrix()[0].slice(1, 0, 3).t(), wanted) < 6e-7);
}

TEST_CASE("a quarter turn and a stretch move marked voxels where they should", "[transforms]") {
  auto parameters = still(2);
  parameters.rotation = row({std::numbers::pi / 2, 0});
  parameters.scale = row({1, 2});
  parameters.translation = row({10, 0});
  // c = (1, 2). p = (1, 3): scaled offset (0, 2), turned (-2, 0), so q = (1 - 2 + 10, 2).
  const auto q = affine_map(parameters, {3, 5}).coordinates(torch::kFloat64);
  CHECK(q[0][0][1][3].item<double>() == Approx(9));
  CHECK(q[0][1][1][3].item<double>() == Approx(2));
}

TEST_CASE("no parameters are the identity; the published centre shifts even sides by a half",
          "[transforms]") {
  const auto identity = SpatialMap::identity(1, {3, 4, 5}).matrix();
  CHECK(torch::equal(affine_map(still(3), {3, 4, 5}).matrix(), identity));
  const auto released = affine_map(still(3), {3, 4, 5}, GridConvention::released).matrix();
  CHECK(torch::equal((released - identity)[0].select(1, 3),
                     torch::tensor({0.0, 0.5, 0.0}, torch::kFloat64)));
}

TEST_CASE("each range of the affine field is uniform and as wide as degree makes it",
          "[transforms]") {
  const auto size = std::vector<std::int64_t>{4, 6};
  const auto scale = matrices(only(&AffineOptions::scale), size);
  for (std::int64_t k = 0; k < 2; ++k) {
    CHECK(spans(entry(scale, k, k), 0.25, 1.75));
    CHECK(mean_is(entry(scale, k, k), 1, 1.5 / std::sqrt(12)));
  }
  const auto translation = matrices(only(&AffineOptions::translation), size);
  CHECK(spans(entry(translation, 0, 2), -1.2, 1.2));  // 1.5 * 0.2 * 4
  CHECK(spans(entry(translation, 1, 2), -1.8, 1.8));
  CHECK(mean_is(entry(translation, 1, 2), 0, 3.6 / std::sqrt(12)));
  const auto shear = matrices(only(&AffineOptions::shear), size);
  const auto reach = 1.5 * std::numbers::pi / 32;
  CHECK(spans(entry(shear, 0, 1).atan(), -reach, reach));
  CHECK(spans(entry(shear, 1, 0).atan(), -reach, reach));
  // The difference of two angles uniform in +- g pi / 9 has twice the variance of one.
  const auto rotation = matrices(only(&AffineOptions::rotation), size);
  const auto angle = torch::atan2(entry(rotation, 1, 0), entry(rotation, 0, 0));
  const auto half = 1.5 * std::numbers::pi / 9;
  CHECK(angle.abs().max().item<double>() < 2 * half);
  CHECK(mean_is(angle, 0, half * std::sqrt(2.0 / 3)));
  // Fourth moment of that triangle: 16 half^4 / 15; so the square spreads by 0.789 half^2.
  CHECK(mean_is(angle.square(), 2 * half * half / 3, 0.789 * half * half));
  // One angle is uniform.
  auto single = only(&AffineOptions::rotation);
  single.angles = 1;
  const auto turned = matrices(single, size);
  const auto one = torch::atan2(entry(turned, 1, 0), entry(turned, 0, 0));
  CHECK(spans(one, -half, half));
  CHECK(mean_is(one.square(), half * half / 3, half * half * std::sqrt(1.0 / 5 - 1.0 / 9)));
}

TEST_CASE("3D turns about three axes and shears in six ways", "[transforms]") {
  const auto half = 1.5 * std::numbers::pi / 9;
  const auto rotation = matrices(only(&AffineOptions::rotation), {2, 2, 2});
  // R_D R_H R_W has sin of the middle angle in its corner.
  CHECK(spans(entry(rotation, 0, 2).asin(), -half, half));
  CHECK(spans(torch::atan2(-entry(rotation, 1, 2), entry(rotation, 2, 2)), -half, half));
  CHECK(spans(torch::atan2(-entry(rotation, 0, 1), entry(rotation, 0, 0)), -half, half));
  const auto shear = matrices(only(&AffineOptions::shear), {2, 2, 2});
  const auto reach = 1.5 * std::numbers::pi / 32;
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t j = 0; j < 3; ++j)
      if (i != j) CHECK(spans(entry(shear, i, j).atan(), -reach, reach));
}

TEST_CASE("the content at p + u(p) of the moving view is the content at p of the fixed one",
          "[transforms]") {
  // Values tell places: interpolation of a ramp is exact inside the source.
  for (const auto& size : {std::vector<std::int64_t>{24, 18}, {12, 15, 18}}) {
    const auto d = static_cast<std::int64_t>(size.size());
    const auto batch = ramp(3, size);
    CropOptions window;
    window.size = d == 2 ? std::vector<std::int64_t>{16, 12} : std::vector<std::int64_t>{8, 10, 12};
    View fixed(batch);
    View moving(batch);
    auto draws = draws_of(3);
    Affine(AffineOptions{}).apply(fixed, draws);
    for (auto* view : {&fixed, &moving}) {
      auto same = draws_of(3, 40);
      Crop(window).apply(*view, same);
    }
    const auto options = torch::dtype(torch::kFloat64);
    const auto u = fixed.map().displacement_to(moving.map(), options);
    const auto seen = warp(moving.image(), u);
    const auto mask = inside(u);
    REQUIRE(mask.sum().item<std::int64_t>() > 100);
    CHECK(max_gap(torch::where(mask, fixed.image() - seen, 0), torch::zeros_like(seen)) < 1e-9);
    // Most pixels really moved.
    CHECK((u.abs() > 0.5).to(options).mean().item<double>() > 0.5);
  }
}

TEST_CASE("the published sampling reads where it says, its map stays true", "[transforms]") {
  AffineOptions options;
  options.convention = "released";
  const auto batch = ramp(2, {10, 14});
  auto view = testing::made(Affine(options), batch);
  const auto read = sample_at(batch.image, view.map().coordinates(torch::kFloat64),
                              Interpolation::linear, GridConvention::released);
  CHECK(torch::equal(view.image(), read));
  options.convention = "paper";
  // The same field, less the half voxel of the centre.
  const auto gap = view.map().matrix() - testing::made(Affine(options), batch).map().matrix();
  CHECK(max_gap(gap.slice(2, 0, 2), torch::zeros({2, 2, 2})) == 0.0);
  CHECK(max_gap(gap.select(2, 2), torch::full({2, 2}, 0.5)) < 1e-12);
}

TEST_CASE("samples the affine field is not applied to keep their pixels and place",
          "[transforms]") {
  for (const auto* convention : {"paper", "released"}) {
    AffineOptions options;
    options.convention = convention;
    for (const auto& size : {std::vector<std::int64_t>{10, 14}, {6, 8, 10}}) {
      const auto batch = ramp(3, size);
      CHECK(testing::only_applied_change(Affine(options), batch, {1, 0, 1}));
      const auto map = testing::made(Affine(options), batch, {1, 0, 1}).map().matrix();
      CHECK(torch::equal(map[1], SpatialMap::identity(1, size).matrix()[0]));
    }
  }
}

TEST_CASE("a sample's field does not depend on its batch", "[transforms]") {
  CHECK(independent(Affine(AffineOptions{}), ramp(3, {9, 12})));
  CHECK(independent(Affine(AffineOptions{}), ramp(3, {5, 6, 7})));
  CHECK_FALSE(torch::equal(matrices(AffineOptions{}, {4, 6})[0], matrices({}, {4, 6})[1]));
}

TEST_CASE("the affine field says what is wrong", "[transforms][errors]") {
  auto parameters = still(2);
  parameters.shear = row({0});
  CHECK_THROWS_WITH(affine_map(parameters, {4, 4}), "shear: expected [1, 2], got [1, 1]");
  const auto complaint = [](const char* key, double value) {
    return [=] { schema_of<AffineOptions>().parse(OptionTable{{key, value}}, "views.fixed"); };
  };
  CHECK_THROWS_WITH(complaint("degree", 2.0)(),
                    Catch::Contains("degree * scale must be less than 1, or an axis could collapse "
                                    "or be mirrored"));
  CHECK_THROWS_WITH(complaint("shear", 30.0)(),
                    Catch::Contains("degree * shear must be less than 26.5, or the field could "
                                    "collapse"));
  CHECK_THROWS_WITH(complaint("rotation", -1.0)(), Catch::Contains("'rotation' must be at least"));
}
