#include "support/catch.h"
#include "support/numeric.h"

#include "covector/transforms/correspondence.h"
#include "positives.h"

#include <torch/types.h>

#include <cmath>
#include <set>
#include <utility>

/// Numbers S1 and S2 are worked out in float64 and equal what the official matcher gives.
namespace covector::setsim {
namespace {

using testing::max_gap;
using Pairs = std::set<std::pair<int, int>>;

at::Tensor rows(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64).view({1, -1, 2});
}

const auto kQuery = rows({2, 2, 0, 1, 1, 1, 3, 1});
const auto kKey = rows({0, 1, 2, 1, 3, 0, 2, -2});
const auto kFar = torch::full({1, 4, 4}, 100.0, torch::kFloat64);

Pairs pairs_of(const at::Tensor& mask) {
  Pairs found;
  for (int i = 0; i < mask.size(1); ++i)
    for (int j = 0; j < mask.size(2); ++j)
      if (mask[0][i][j].item<bool>()) found.emplace(i, j);
  return found;
}

// A view whose voxels span the box (y0, x0) .. (y1, x1) of a source.
SpatialMap window(double y0, double x0, double y1, double x1, std::int64_t side) {
  const auto step = static_cast<double>(side - 1);
  return {torch::tensor({(y1 - y0) / step, 0.0, y0, 0.0, (x1 - x0) / step, x0}, torch::kFloat64)
              .view({1, 2, 3}),
          {side, side}};
}

// The boxes of the sheet, (0, 0, 0.8, 0.8) and (0.4, 0, 1, 0.6) in (x0, y0, x1, y1), times ten.
at::Tensor distance() {
  return transforms::cell_distance(transforms::cell_grid(window(0, 0, 8, 8, 9), 2),
                                   transforms::cell_grid(window(0, 4, 6, 10, 7), 2));
}

TEST_CASE("S1: attention is feature energy, scaled to 0 .. 1 in each view", "[setsim]") {
  const auto wanted_query = torch::tensor({0.777778, 0.0, 0.111111, 1.0}, torch::kFloat64);
  const auto wanted_key = torch::tensor({0.0, 0.5, 1.0, 0.875}, torch::kFloat64);
  CHECK(max_gap(attention(kQuery)[0], wanted_query) < 6e-7);
  CHECK(max_gap(attention(kKey)[0], wanted_key) < 6e-7);
  // Energies 4, 1/2, 1, 5 over their norm, and the guard of the range.
  const auto norm = std::sqrt(16 + 0.25 + 1 + 25);
  CHECK(attention(kQuery)[0][0].item<double>() ==
        Approx((3.5 / norm) / (4.5 / norm + 1e-10)).epsilon(1e-12));
  // Views do not mix, and a constant one attends to nothing.
  CHECK(max_gap(attention(torch::cat({kQuery, 9 * kKey})).narrow(0, 1, 1), attention(kKey)) < 1e-9);
  CHECK(attention(torch::ones({1, 4, 2})).max().item<double>() == 0.0);
}

TEST_CASE("S2: positives by attention and similarity, by geometry, and both", "[setsim]") {
  const Pairs by_attention{{0, 2}, {3, 2}, {3, 3}};
  const Pairs by_geometry{{1, 0}, {1, 1}, {1, 2}, {3, 2}};
  CHECK(pairs_of(positives(kQuery, kKey, kFar, {0.7, 0.2, 0.5, false})) == by_attention);
  // (0, 3) is attentive, but its cosine is 0.
  auto with_orthogonal = by_attention;
  with_orthogonal.emplace(0, 3);
  CHECK(pairs_of(positives(kQuery, kKey, kFar, {0.7, -0.1, 0.5, false})) == with_orthogonal);
  // No similarity reaches 1.1: geometry alone.
  CHECK(pairs_of(positives(kQuery, kKey, distance(), {0.7, 1.1, 0.5, false})) == by_geometry);
  auto both = by_attention;
  both.insert(by_geometry.begin(), by_geometry.end());
  CHECK(pairs_of(positives(kQuery, kKey, distance(), {0.7, 0.2, 0.5, false})) == both);
}

TEST_CASE("the most similar cell joins the rows that have a positive", "[setsim]") {
  // Rows 0, 1, 3 have positives; their most similar cells are 1, 0, 1. Row 2 stays without.
  const auto found = positives(kQuery, kKey, distance(), {0.7, 0.2, 0.5, true});
  CHECK(pairs_of(found) == Pairs{{0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {3, 1}, {3, 2}, {3, 3}});
}

TEST_CASE("distance counts strictly below the threshold", "[setsim]") {
  auto at_threshold = kFar.clone();
  at_threshold[0][2][1] = 0.5;
  at_threshold[0][2][2] = 0.4999;
  CHECK(pairs_of(positives(kQuery, kKey, at_threshold, {0.7, 1.1, 0.5, false})) == Pairs{{2, 2}});
}

TEST_CASE("positives carry no gradient and bear half precision", "[setsim][gradient]") {
  const auto query = kQuery.clone().requires_grad_();
  CHECK_FALSE(attention(query).requires_grad());
  CHECK_FALSE(positives(query, query, kFar, {0.7, 0.2, 0.5, true}).requires_grad());
  CHECK(attention(kQuery.to(torch::kBFloat16)).scalar_type() == torch::kFloat32);
}

}  // namespace
}  // namespace covector::setsim
