#include "support/catch.h"
#include "support/numeric.h"

#include "covector/transforms/correspondence.h"

#include <torch/types.h>

#include <cmath>
#include <set>

using namespace covector;
using namespace covector::transforms;
using covector::testing::max_gap;

namespace {

using Size = std::vector<std::int64_t>;

// A view whose first voxel lies at `low` and whose last at `high`, axis by axis in tensor order;
// mirrored where high < low.
SpatialMap box(const std::vector<double>& low, const std::vector<double>& high, const Size& size) {
  const auto first = torch::tensor(low, torch::kFloat64);
  const auto steps = torch::tensor(size, torch::kFloat64) - 1;
  const auto slope = (torch::tensor(high, torch::kFloat64) - first) / steps;
  return {torch::cat({slope.diag(), first.unsqueeze(1)}, 1).unsqueeze(0), size};
}

using Pairs = std::set<std::pair<std::int64_t, std::int64_t>>;

Pairs positives(const SpatialMap& q, const SpatialMap& k, std::int64_t cells, double threshold) {
  const auto near = cell_distance(cell_grid(q, cells), cell_grid(k, cells))[0] < threshold;
  Pairs pairs;
  const auto found = near.nonzero();
  for (std::int64_t i = 0; i < found.size(0); ++i)
    pairs.emplace(found[i][0].item<std::int64_t>(), found[i][1].item<std::int64_t>());
  return pairs;
}

}  // namespace

TEST_CASE("cells of a view lie where half steps between its corners are", "[transforms]") {
  // 9 x 5 voxels read from (10, 20) in steps of 2 and 3: corners at (26, 32); two cells an axis.
  const auto grid = cell_grid(box({10, 20}, {26, 32}, {9, 5}), 2);
  const auto wanted = torch::tensor({14., 23., 14., 29., 22., 23., 22., 29.}).view({1, 4, 2});
  CHECK(max_gap(grid.centres, wanted) < 1e-12);
  CHECK(grid.diagonal[0].item<double>() == Approx(10.0));  // of 8 by 6
  // Mirrored and turned cells are as large; the first cell is then the last.
  const auto mirrored = cell_grid(box({26, 20}, {10, 32}, {9, 5}), 2);
  CHECK(max_gap(mirrored.centres[0][0], grid.centres[0][2]) < 1e-12);
  CHECK(mirrored.diagonal[0].item<double>() == Approx(10.0));
  const auto turn = torch::tensor({0.0, 3.0, 0.0, -2.0, 0.0, 0.0}, torch::kFloat64);
  CHECK(cell_grid(SpatialMap(turn.view({1, 2, 3}), {9, 5}), 2).diagonal[0].item<double>() ==
        Approx(10.0));
}

TEST_CASE("PixPro's positives of two overlapping views", "[transforms]") {
  // Vector X1 of PixPro, from its official code; boxes there are (x0, y0, x1, y1).
  const Size size = {4, 4};
  const auto k = box({0.2, 0.2}, {1, 1}, size);
  CHECK(cell_grid(k, 3).diagonal[0].item<double>() == Approx(0.377124).margin(5e-7));
  CHECK(positives(box({0, 0}, {0.6, 0.6}, size), k, 3, 0.7) == Pairs{{1, 0},
                                                                     {2, 1},
                                                                     {3, 0},
                                                                     {4, 0},
                                                                     {5, 0},
                                                                     {5, 1},
                                                                     {6, 3},
                                                                     {7, 0},
                                                                     {7, 3},
                                                                     {8, 0},
                                                                     {8, 1},
                                                                     {8, 3},
                                                                     {8, 4}});
  CHECK(positives(box({0, 0.6}, {0.6, 0}, size), k, 3, 0.7) == Pairs{{0, 1},
                                                                     {1, 0},
                                                                     {3, 0},
                                                                     {3, 1},
                                                                     {4, 0},
                                                                     {5, 0},
                                                                     {6, 0},
                                                                     {6, 1},
                                                                     {6, 3},
                                                                     {6, 4},
                                                                     {7, 0},
                                                                     {7, 3},
                                                                     {8, 3}});
}

TEST_CASE("SetSim's geometric positives", "[transforms]") {
  // M_geo of vector S2, threshold 0.5; the number of voxels of the views does not matter.
  for (const auto& size : {Size{2, 2}, Size{33, 9}}) {
    const auto q = box({0, 0}, {0.8, 0.8}, size);
    const auto k = box({0, 0.4}, {0.6, 1}, size);
    CHECK(positives(q, k, 2, 0.5) == Pairs{{1, 0}, {1, 1}, {1, 2}, {3, 2}});
    CHECK(positives(q, k, 2, 0.7) ==
          Pairs{{0, 0}, {1, 0}, {1, 1}, {1, 2}, {1, 3}, {2, 2}, {3, 2}, {3, 3}});
  }
}

TEST_CASE("positives of volumes", "[transforms]") {
  // Vector X5 of PixPro.
  const Size size = {5, 4, 3};
  CHECK(positives(box({0, 0, 0}, {0.8, 0.8, 0.8}, size), box({0.2, 0.2, 0.2}, {1, 1, 1}, size), 3,
                  0.7)
            .size() == 98);
  CHECK(positives(box({0, 0, 0}, {0.8, 0.8, 0.8}, size), box({0, 0, 0.2}, {0.8, 0.8, 1}, size), 2,
                  0.7)
            .size() == 36);
}

TEST_CASE("each sample of a batch has its own cells", "[transforms]") {
  const Size size = {4, 4};
  const auto a = box({0, 0}, {3, 3}, size);
  const auto b = box({1, 2}, {7, 5}, size);
  const SpatialMap both(torch::cat({a.matrix(), b.matrix()}), size);
  const SpatialMap swapped(torch::cat({b.matrix(), a.matrix()}), size);
  const auto distance = cell_distance(cell_grid(both, 2), cell_grid(swapped, 2));
  CHECK(torch::equal(distance[0], cell_distance(cell_grid(a, 2), cell_grid(b, 2))[0]));
  CHECK(torch::equal(distance[1], distance[0].t()));
}

TEST_CASE("pixels of two views are matched through their maps", "[transforms]") {
  // Vector V1 of VADeR: boxes of 40 x 40 at (10, 20) and (20, 20), the second mirrored in x, both
  // on 8 x 8 pixels of 5, whose middles are read. Image points there are edges of pixels, half a
  // pixel before their middles.
  const Size size = {8, 8};
  const auto view = [&](double y, double x, bool mirrored) {
    return mirrored ? box({y + 2.5, x + 37.5}, {y + 37.5, x + 2.5}, size)
                    : box({y + 2.5, x + 2.5}, {y + 37.5, x + 37.5}, size);
  };
  const auto first = view(20, 10, false);
  const auto move = first.displacement_to(view(20, 20, true), torch::dtype(torch::kFloat64));
  const auto at = [&](std::int64_t u, std::int64_t v) {  // (column, row)
    return std::pair(u + move[0][1][v][u].item<double>(), v + move[0][0][v][u].item<double>());
  };
  const auto q = first.coordinates(torch::kFloat64);
  CHECK(q[0][1][2][4].item<double>() == Approx(32.5));
  CHECK(q[0][0][2][4].item<double>() == Approx(32.5));
  CHECK(at(4, 2).first == Approx(5.0));
  CHECK(at(4, 2).second == Approx(2.0));
  CHECK(at(7, 7).first == Approx(2.0));
  CHECK(at(7, 7).second == Approx(7.0));
  CHECK(at(1, 0).first == Approx(8.0));
  CHECK(at(1, 0).second == Approx(0.0).margin(1e-12));
  CHECK(inside(move).sum().item<std::int64_t>() == 48);
}

TEST_CASE("cells say what is wrong", "[transforms][errors]") {
  const auto flat = box({0, 0}, {1, 1}, {2, 2});
  CHECK_THROWS_WITH(cell_grid(flat, 0), "cells: expected at least 1");
  const auto volume = cell_grid(box({0, 0, 0}, {1, 1, 1}, {2, 2, 2}), 2);
  CHECK_THROWS_WITH(cell_distance(cell_grid(flat, 2), volume),
                    "centres of the second view: expected [1, *, 2], got [1, 8, 3]");
}
