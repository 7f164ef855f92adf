#include "regions.h"

#include "support/catch.h"
#include "support/numeric.h"

#include <torch/types.h>

namespace covector::chaitanya {
namespace {

using Voxel = std::vector<std::int64_t>;

Voxel row(const at::Tensor& rows, std::int64_t i) {
  const auto one = rows[i].contiguous();
  return {one.data_ptr<std::int64_t>(), one.data_ptr<std::int64_t>() + one.numel()};
}

TEST_CASE("corners of regions on maps of three sizes", "[chaitanya]") {
  // C1 of the sheet: lattice and quarter points of side - 4.
  struct Expected {
    std::int64_t side, half, whole, quarter, three;
  };
  for (const auto& e :
       {Expected{48, 22, 44, 11, 33}, Expected{96, 46, 92, 23, 69}, Expected{24, 10, 20, 5, 15}}) {
    const auto corners = regions_of({e.side, e.side}).corners;
    const std::vector<Voxel> anchors = {{0, 0},
                                        {0, e.half},
                                        {0, e.whole},
                                        {e.half, 0},
                                        {e.half, e.half},
                                        {e.half, e.whole},
                                        {e.whole, 0},
                                        {e.whole, e.half},
                                        {e.whole, e.whole},
                                        {e.quarter, e.quarter},
                                        {e.quarter, e.three},
                                        {e.three, e.quarter},
                                        {e.three, e.three}};
    for (std::size_t i = 0; i < anchors.size(); ++i)
      CHECK(row(corners, static_cast<std::int64_t>(i)) == anchors[i]);
    // Inside the map, whose last row and column are left out.
    CHECK(corners.max().item<std::int64_t>() + 2 == e.side - 2);
  }
}

TEST_CASE("corners on a map with unequal sides are truncated to whole voxels", "[chaitanya]") {
  // Lattices of 5 and 10: halves 2 and 5, quarters 1 and 2, three quarters 3 and 7.
  const auto corners = regions_of({9, 14}).corners;
  CHECK(row(corners, 4) == Voxel{2, 5});
  CHECK(row(corners, 9) == Voxel{1, 2});
  CHECK(row(corners, 12) == Voxel{3, 7});
}

TEST_CASE("every region has the negatives that the authors list", "[chaitanya]") {
  // The sheet's lists in quarters of the lattice, two digits a place: 0h is 02, tq is 31.
  const std::vector<std::vector<int>> lists = {
      {2, 11, 12, 20, 21},  {0, 4, 11, 13, 22},  {2, 12, 13, 23, 24},  {0, 11, 22, 40, 31},
      {11, 13, 31, 33, 20}, {4, 22, 44, 13, 33}, {20, 21, 42, 31, 32}, {22, 40, 44, 31, 33},
      {23, 24, 42, 33, 32}, {0, 2, 20, 22, 13},  {2, 4, 11, 22, 24},   {20, 22, 40, 42, 33},
      {22, 24, 42, 44, 31}};
  const auto regions = regions_of({20, 20});  // quarters of 4 voxels
  REQUIRE(regions.negatives.sizes() == at::IntArrayRef({13, 5}));
  CHECK(regions.corners.size(0) == 17);
  for (std::size_t anchor = 0; anchor < lists.size(); ++anchor)
    for (std::size_t i = 0; i < 5; ++i) {
      const auto negative =
          regions.negatives[static_cast<std::int64_t>(anchor)][static_cast<std::int64_t>(i)];
      CHECK(row(regions.corners, negative.item<std::int64_t>()) ==
            Voxel{4 * (lists[anchor][i] / 10), 4 * (lists[anchor][i] % 10)});
    }
}

TEST_CASE("regions of a volume and their nearest others", "[chaitanya]") {
  // A lattice of 28: 0, 14, 28 and 7, 21.
  const auto regions = regions_of({32, 32, 32});
  REQUIRE(regions.corners.sizes() == at::IntArrayRef({35, 3}));
  REQUIRE(regions.negatives.sizes() == at::IntArrayRef({35, 8}));
  CHECK(row(regions.corners, 1) == Voxel{0, 0, 14});
  CHECK(row(regions.corners, 13) == Voxel{14, 14, 14});
  CHECK(row(regions.corners, 26) == Voxel{28, 28, 28});
  CHECK(row(regions.corners, 27) == Voxel{7, 7, 7});
  CHECK(row(regions.corners, 34) == Voxel{21, 21, 21});
  // From (0, 0, 0), squared: (7, 7, 7) 147; one axis 14: 196; two: 392; (7, 7, 21) 539; all 588.
  CHECK(row(regions.negatives, 0) == Voxel{27, 1, 3, 9, 4, 10, 12, 28});
  // From the middle: the 8 quarter points at 147 each.
  CHECK(row(regions.negatives, 13) == Voxel{27, 28, 29, 30, 31, 32, 33, 34});
  // A flat volume: lattices of 4, 28, 28. (4, 0, 0) and (2, 0, 0) are nearest to (0, 0, 0).
  const auto flat = regions_of({8, 32, 32});
  CHECK(row(flat.negatives, 0).front() == 9);
  CHECK(row(flat.corners, 9) == Voxel{2, 0, 0});
  CHECK(row(flat.negatives, 0)[1] == 18);
}

TEST_CASE("regions are cut out of a map", "[chaitanya]") {
  torch::manual_seed(1);
  for (const auto& size : {Voxel{9, 12}, Voxel{8, 9, 11}}) {
    auto shape = size;
    shape.insert(shape.begin(), {2, 3});
    const auto map = torch::randn(shape, torch::kFloat64);
    const auto corners = regions_of(size).corners;
    const auto rows = cut(map, corners);
    REQUIRE(rows.size(1) == corners.size(0));
    for (std::int64_t r = 0; r < corners.size(0); ++r) {
      auto region = map;
      for (std::size_t axis = 0; axis < size.size(); ++axis)
        region = region.narrow(static_cast<std::int64_t>(axis) + 2, row(corners, r)[axis], 3);
      CHECK(torch::equal(rows.select(1, r), region.flatten(1)));
    }
  }
}

TEST_CASE("a map too small for regions is refused", "[chaitanya][errors]") {
  CHECK_THROWS_WITH(regions_of({7, 12}), "regions need 8 voxels along every axis, the map has 7");
}

}  // namespace
}  // namespace covector::chaitanya
