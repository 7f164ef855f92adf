#include "matches.h"

#include "support/catch.h"
#include "support/numeric.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include <cmath>

namespace covector::vader {
namespace {

/// A window (first voxel, sides; tensor-axis order) on 8 x 8 pixels whose areas, not whose centres,
/// fill it: pixel u shows begin + (u + 1/2) window / 8 - 1/2, mirrored along the last axis or not.
SpatialMap area_map(std::vector<double> begin, std::vector<double> window, bool mirrored = false) {
  auto matrix = torch::zeros({1, 2, 3}, torch::kFloat64);
  for (std::size_t k = 0; k < 2; ++k) {
    const auto axis = static_cast<std::int64_t>(k);
    auto step = window[k] / 8;
    auto start = begin[k] + step / 2 - 0.5;
    if (mirrored && k == 1) {
      start += 7 * step;
      step = -step;
    }
    matrix[0][axis][axis] = step;
    matrix[0][axis][2] = start;
  }
  return {matrix, {8, 8}};
}

SpatialMap shifted(const std::vector<std::vector<double>>& offsets,
                   std::vector<std::int64_t> size) {
  std::vector<at::Tensor> rows;
  for (const auto& offset : offsets) rows.push_back(torch::tensor(offset, torch::kFloat64));
  return SpatialMap::translation(torch::stack(rows), std::move(size));
}

at::Tensor everywhere(std::vector<std::int64_t> shape) {
  return torch::ones(shape, torch::kBool);
}

TEST_CASE("where the second view shows a pixel of the first", "[vader]") {
  // V1 of the sheet: boxes (10, 20) and (20, 20) of 40 x 40, the second mirrored. (x, y):
  // (4, 2) shows image point (32.5, 32.5), which the second view has at (5, 2).
  const auto first = area_map({20, 10}, {40, 40});
  const auto second = area_map({20, 20}, {40, 40}, true);
  const auto at = positions_in(second, first, torch::kCPU);
  const auto place = [&](std::int64_t x, std::int64_t y) {
    return std::pair(at[0][1][y][x].item<double>(), at[0][0][y][x].item<double>());
  };
  const auto near = [](double value) { return Approx(value).margin(1e-9); };
  CHECK(place(4, 2).first == near(5));
  CHECK(place(4, 2).second == near(2));
  CHECK(place(7, 7).first == near(2));
  CHECK(place(7, 7).second == near(7));
  CHECK(place(1, 0).first == near(8));
  CHECK(place(1, 0).second == near(0));
  const auto shown = shown_in(second, at);
  CHECK_FALSE(shown[0][0][0][1].item<bool>());
  CHECK(shown.sum().item<std::int64_t>() == 48);

  const auto matches = draw_matches(first, second, everywhere({1, 1, 8, 8}), 48);
  CHECK(matches.valid.all().item<bool>());
}

TEST_CASE("matches are drawn once each, where both views show the place", "[vader]") {
  // The second view begins at row 2 and column -1 (and slice 1): the first has 5 of its 7 rows and
  // 8 of its 8 columns (and 3 of 4 slices) in it.
  for (const std::int64_t d : {2, 3}) {
    const auto size = d == 2 ? std::vector<std::int64_t>{7, 8} : std::vector<std::int64_t>{4, 7, 8};
    const auto first = SpatialMap::identity(1, size);
    const auto second =
        shifted({d == 2 ? std::vector<double>{2, -1} : std::vector<double>{1, 2, -1}},
                d == 2 ? std::vector<std::int64_t>{9, 9} : std::vector<std::int64_t>{9, 9, 9});
    auto shape = size;
    shape.insert(shape.begin(), {1, 1});
    const std::int64_t both = d == 2 ? 5 * 8 : 3 * 5 * 8;
    const auto matches = draw_matches(first, second, everywhere(shape), both);
    CHECK(matches.valid.all().item<bool>());
    const auto sorted = std::get<0>(matches.voxel[0].sort());
    CHECK((sorted.slice(0, 1) > sorted.slice(0, 0, -1)).all().item<bool>());
    // Position = voxel - offset of the second view.
    const auto column = matches.voxel.remainder(8);
    const auto row = matches.voxel.div(8, "floor").remainder(7);
    CHECK(testing::max_gap(matches.position.select(1, d - 1), column + 1) < 1e-12);
    CHECK(testing::max_gap(matches.position.select(1, d - 2), row - 2) < 1e-12);
  }
}

TEST_CASE("foreground is drawn where there is enough of it", "[vader]") {
  const auto same = SpatialMap::identity(2, {6, 5});
  auto foreground = torch::zeros({2, 1, 6, 5}, torch::kBool);
  foreground[0][0].select(0, 3).fill_(true);                 // 5 voxels
  foreground[1][0].select(0, 3).slice(0, 0, 4).fill_(true);  // 4
  const auto matches = draw_matches(same, same, foreground, 5);
  CHECK(matches.valid.all().item<bool>());
  CHECK((matches.voxel[0].div(5, "floor") == 3).all().item<bool>());
  // All 30 voxels of the second sample may be drawn: in a hundred draws many others are.
  torch::manual_seed(1);
  std::int64_t others = 0;
  for (int i = 0; i < 100; ++i)
    others += (draw_matches(same, same, foreground, 5).voxel[1].div(5, "floor") != 3)
                  .sum()
                  .item<std::int64_t>();
  // Expected 500 * 25 / 30 = 417, standard deviation below 10.
  CHECK(std::abs(others - 417) < 50);
}

TEST_CASE("matches are uniform", "[vader]") {
  torch::manual_seed(2);
  const auto same = SpatialMap::identity(1, {2, 5});
  auto drawn = torch::zeros({10});
  for (int i = 0; i < 1000; ++i)
    drawn.index_add_(0, draw_matches(same, same, everywhere({1, 1, 2, 5}), 3).voxel[0],
                     torch::ones({3}));
  // 300 each; the standard deviation is sqrt(1000 * 0.3 * 0.7) = 14.5.
  CHECK((drawn - 300).abs().max().item<double>() < 60);
}

TEST_CASE("views that share few voxels or none", "[vader]") {
  // The second view begins 4 rows (2 of 6 are left, 10 voxels), then 100 rows further down.
  const auto first = SpatialMap::identity(2, {6, 5});
  const auto second = shifted({{4, 0}, {100, 0}}, {6, 5});
  const auto matches = draw_matches(first, second, everywhere({2, 1, 6, 5}), 12);
  CHECK(matches.valid[0].sum().item<std::int64_t>() == 10);
  CHECK(matches.valid[1].sum().item<std::int64_t>() == 0);
  CHECK((matches.voxel[0].index({matches.valid[0]}) >= 20).all().item<bool>());
  // What is not shown stands on the rim of the view.
  CHECK((matches.position[1][0] == 0).all().item<bool>());
  CHECK((matches.position >= 0).all().item<bool>());
}

TEST_CASE("a generator of one's own leaves the default one alone", "[vader]") {
  const auto same = SpatialMap::identity(1, {6, 5});
  const auto drawn = [&] {
    return draw_matches(same, same, everywhere({1, 1, 6, 5}), 5,
                        at::make_generator<at::CPUGeneratorImpl>(3))
        .voxel;
  };
  torch::manual_seed(4);
  const auto next = torch::rand({1});
  torch::manual_seed(4);
  CHECK(torch::equal(drawn(), drawn()));
  CHECK(torch::equal(torch::rand({1}), next));
}

TEST_CASE("maps are read at voxels and between them", "[vader]") {
  // Linear in the position, so that interpolation is exact: row + 10 column (+ 100 slice).
  for (const std::int64_t d : {2, 3}) {
    const auto size = d == 2 ? std::vector<std::int64_t>{6, 5} : std::vector<std::int64_t>{3, 6, 5};
    const auto grid = voxel_grid(size, torch::kFloat64);
    auto map = grid.select(1, d - 2) + 10 * grid.select(1, d - 1);
    if (d == 3) map = map + 100 * grid.select(1, 0);
    map = torch::stack({map, -map}, 1);
    Matches matches;
    matches.voxel = torch::tensor({7, 29}).view({1, 2});  // (1, 2) and (5, 4), of slice 0
    auto position = torch::tensor({0.5, 4.25, 1.25, 3.5}, torch::kFloat64).view({1, 2, 2});
    if (d == 3) position = torch::cat({torch::full({1, 1, 2}, 1.5, torch::kFloat64), position}, 1);
    matches.position = position;
    const auto plus = d == 3 ? 150.0 : 0.0;
    CHECK(testing::max_gap(at_voxels(map, matches),
                           torch::tensor({21.0, -21.0, 45.0, -45.0}).view({2, 2})) < 1e-12);
    const auto expected = torch::tensor({13.0 + plus, 39.25 + plus}, torch::kFloat64);
    CHECK(testing::max_gap(at_positions(map, matches), torch::stack({expected, -expected}, 1)) <
          1e-12);
    // Half precision of the map does not make the places coarser.
    const auto half = at_positions(map.to(torch::kBFloat16), matches);
    CHECK(half.scalar_type() == torch::kFloat32);
  }
}

TEST_CASE("matches say what does not fit", "[vader][errors]") {
  const auto same = SpatialMap::identity(1, {6, 5});
  CHECK_THROWS_WITH(draw_matches(same, same, everywhere({1, 1, 5, 5}), 5),
                    "foreground: expected [1, 1, 6, 5], got [1, 1, 5, 5]");
  CHECK_THROWS_WITH(draw_matches(same, same, everywhere({1, 1, 6, 5}), 31),
                    "there are 31 matches to be drawn from 30 voxels");
}

}  // namespace
}  // namespace covector::vader
