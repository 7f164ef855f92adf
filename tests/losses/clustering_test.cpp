#include "support/catch.h"
#include "support/numeric.h"
#include "support/peak_memory.h"

#include "covector/losses/clustering.h"

#include <torch/types.h>

#include <cmath>
#include <limits>
#include <set>
#include <vector>

using namespace covector::losses;
using covector::RandomStream;
using covector::testing::max_gap;

namespace {

at::Tensor rows(const std::vector<double>& values, std::int64_t width = 2) {
  return torch::tensor(values, torch::kFloat64).view({-1, width});
}

at::Tensor integers(const std::vector<std::int64_t>& values) {
  return torch::tensor(values, torch::kInt64);
}

const auto kPoints = rows({0, 0, 0, 1, 10, 0, 10, 1, 0.5, 0.5});

}  // namespace

TEST_CASE("Sinkhorn codes at the printed values of DSC-PM", "[losses]") {
  const auto first = sinkhorn(rows({0.9, 0.1, 0.8, 0.3, 0.2, 0.7, 0.6, 0.5}));
  CHECK(max_gap(first, rows({0.999992, 0.000008, 0.996627, 0.003373, 0.000001, 0.999999, 0.090188,
                             0.909812})) < 6e-7);
  const auto second = sinkhorn(rows({0.7, 0.2, 0.5, 0.4, 0.1, 0.9, 0.3, 0.6}));
  CHECK(max_gap(second, rows({0.999999, 0.000001, 0.996876, 0.003124, 0.000005, 0.999995, 0.096694,
                              0.903306})) < 6e-7);
}

TEST_CASE("many Sinkhorn iterations share rows out evenly", "[losses]") {
  torch::manual_seed(14);
  const auto codes = sinkhorn(torch::randn({60, 5}, torch::kFloat64), 0.5, 200);
  CHECK(max_gap(codes.sum(1), torch::ones({60})) < 1e-12);
  CHECK(max_gap(codes.sum(0), torch::full({5}, 12.0)) < 1e-6);
  // A thousand times the scores neither overflows nor divides by 0.
  CHECK(sinkhorn(1000 * torch::randn({60, 5})).isfinite().all().item<bool>());
}

TEST_CASE("rows of minus infinity take no part in Sinkhorn", "[losses]") {
  torch::manual_seed(15);
  const auto scores = torch::randn({6, 3}, torch::kFloat64);
  const auto kept = torch::tensor({0, 2, 3, 5});
  auto with_gaps = torch::full_like(scores, -std::numeric_limits<double>::infinity());
  with_gaps.index_copy_(0, kept, scores.index_select(0, kept));
  const auto codes = sinkhorn(with_gaps);
  CHECK(max_gap(codes.index_select(0, kept), sinkhorn(scores.index_select(0, kept))) < 1e-12);
  CHECK(codes.index_select(0, torch::tensor({1, 4})).abs().max().item<double>() == 0.0);
  CHECK(sinkhorn(torch::full({2, 3}, -std::numeric_limits<double>::infinity()))
            .abs()
            .max()
            .item<double>() == 0.0);
}

TEST_CASE("Sinkhorn without rows is empty, and carries no gradient", "[losses]") {
  CHECK(sinkhorn(torch::zeros({0, 4})).sizes() == std::vector<std::int64_t>{0, 4});
  const auto scores = torch::zeros({3, 2}).to(torch::kBFloat16).set_requires_grad(true);
  const auto codes = sinkhorn(scores);
  CHECK_FALSE(codes.requires_grad());
  CHECK(codes.scalar_type() == torch::kFloat32);
}

TEST_CASE("whitened rows at the printed products", "[losses]") {
  const auto data = rows({1, 2, 0, 3, 1, 1, 0, 0, 2, 4, 3, 1, 2, 5, 3}, 3);
  const auto white = whitened(data, 2, 0.0);
  const auto gram = torch::matmul(white, white.t());
  const auto wanted = rows({1,         0.372064,  0.797666,  -0.510641, -0.779700,  //
                            0.372064,  1,         -0.263018, 0.608076,  -0.871299,  //
                            0.797666,  -0.263018, 1,         -0.925862, -0.244306,  //
                            -0.510641, 0.608076,  -0.925862, 1,         -0.140217,  //
                            -0.779700, -0.871299, -0.244306, -0.140217, 1},
                           5);
  CHECK(max_gap(gram, wanted) < 6e-7);
  // The floor of 1e-5 of the largest eigenvalue changes the second axis by 1e-5 at most.
  const auto floored = whitened(data, 2);
  CHECK(max_gap(torch::matmul(floored, floored.t()), wanted) < 2e-5);
}

TEST_CASE("whitened axes have equal spread before rows are scaled", "[losses]") {
  // Two axes, one a hundred times the other: afterwards both look alike, and the sum of two
  // squares of a row is 1.
  const auto data = rows({100, 0, -100, 0, 0, 1, 0, -1});
  const auto white = whitened(data, 2, 0.0);
  CHECK(max_gap(white.abs(), rows({1, 0, 1, 0, 0, 1, 0, 1})) < 1e-12);
  CHECK(whitened(data.to(torch::kFloat32), 1).scalar_type() == torch::kFloat32);
  // Equal rows have no axes; none of their numbers is NaN.
  CHECK(whitened(torch::ones({4, 2}), 2).isfinite().all().item<bool>());
}

TEST_CASE("assignment at the printed values", "[losses]") {
  const auto first = assign(kPoints, rows({0, 0, 10, 0, 100, 100}));
  CHECK(torch::equal(first.labels, integers({0, 0, 1, 1, 0})));
  CHECK(first.objective == Approx(2.5).epsilon(1e-12));
  // Means (1/6, 1/2) and (10, 1/2); the empty third takes half of the first.
  const auto [fresh, kept] = split_centroid(rows({1.0 / 6, 0.5})[0]);
  CHECK(max_gap(fresh, rows({0.16682943, 0.49951172})[0]) < 6e-9);
  CHECK(max_gap(kept, rows({0.16650391, 0.50048828})[0]) < 6e-9);
  const auto next = assign(kPoints, torch::stack({kept, rows({10, 0.5})[0], fresh}));
  CHECK(torch::equal(next.labels, integers({2, 0, 1, 1, 2})));
  CHECK(next.objective == Approx(1.165582).margin(6e-7));
}

TEST_CASE("a split moves the two centroids apart by 1 / 1024", "[losses]") {
  const auto [fresh, kept] = split_centroid(rows({1, 2, 3, 4, 0}, 5)[0]);
  CHECK(torch::equal(fresh, rows({1.0009765625, 1.998046875, 3.0029296875, 3.99609375, 0}, 5)[0]));
  CHECK(torch::equal(kept, rows({0.9990234375, 2.001953125, 2.9970703125, 4.00390625, 0}, 5)[0]));
}

TEST_CASE("donors are drawn by their count less one", "[losses]") {
  const std::vector<double> counts{5, 3, 0, 2};
  RandomStream random(1, "test");
  constexpr int kDraws = 20000;
  std::vector<double> drawn(4);
  for (int i = 0; i < kDraws; ++i) ++drawn[donor(counts, random)];
  // 4 : 2 : 0 : 1, within 4 standard errors of at most 0.0036.
  const std::vector<double> wanted{4.0 / 7, 2.0 / 7, 0, 1.0 / 7};
  for (int i = 0; i < 4; ++i) CHECK(drawn[i] / kDraws == Approx(wanted[i]).margin(0.0145));
  CHECK(drawn[2] == 0);
  CHECK(donor({1, 1, 1.5}, random) == 2);
}

TEST_CASE("k-means finds well separated groups whatever its seed", "[losses]") {
  torch::manual_seed(15);
  // Three groups of unequal size, 0.1 wide, 10 apart.
  const auto truth = integers({0, 1, 2}).repeat_interleave(integers({200, 60, 40}));
  const auto centres = rows({0, 0, 10, 0, 0, 10});
  const auto data = centres.index({truth}) + 0.1 * torch::randn({300, 2}, torch::kFloat64);
  int right = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto found = k_means(data, 3, seed);
    if (mutual_information(found.labels, truth) > 0.999) {
      ++right;
      CHECK(found.objective == Approx(300 * 2 * 0.01).epsilon(0.25));
    }
    // Each centroid is the mean of its rows, for the last move was too small to change a label.
    for (std::int64_t k = 0; k < 3; ++k)
      CHECK(max_gap(found.centroids[k], data.index({found.labels == k}).mean(0)) < 1e-9);
  }
  CHECK(right >= 4);  // random rows often start two centroids in one group
}

TEST_CASE("k-means is the same for a seed and lowers its objective", "[losses]") {
  torch::manual_seed(16);
  const auto data = torch::randn({500, 6});
  const auto a = k_means(data, 20, 7);
  const auto b = k_means(data, 20, 7);
  CHECK(torch::equal(a.labels, b.labels));
  CHECK(torch::equal(a.centroids, b.centroids));
  CHECK_FALSE(torch::equal(a.centroids, k_means(data, 20, 8).centroids));
  double before = k_means(data, 20, 7, 0).objective;
  for (const std::int64_t iterations : {1, 3, 10}) {
    const auto now = k_means(data, 20, 7, iterations).objective;
    CHECK(now < before);
    before = now;
  }
}

TEST_CASE("k-means fills clusters that lose all their rows", "[losses]") {
  // Of 40 copies of two points, 4 random rows can be equal; then two centroids start empty.
  const auto data =
      rows({3, 1, -2, 5}).repeat({20, 1}) + 1e-3 * torch::arange(80, torch::kFloat64).view({40, 2});
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const auto found = k_means(torch::cat({data.slice(0, 0, 1).repeat({30, 1}), data}), 6, seed);
    const auto labels = found.labels.data_ptr<std::int64_t>();
    CHECK(std::set<std::int64_t>(labels, labels + 70).size() == 6);
  }
}

TEST_CASE("as many clusters as rows, and one cluster", "[losses]") {
  const auto each = k_means(kPoints, 5, 3);
  CHECK(each.objective == Approx(0.0).margin(1e-20));
  const auto one = k_means(kPoints, 1, 3);
  CHECK(max_gap(one.centroids, kPoints.mean(0, true)) < 1e-12);
  CHECK(one.labels.sum().item<double>() == 0.0);
}

TEST_CASE("distances and covariances never stand in memory at once", "[losses]") {
  const auto data = torch::randn({60'000, 8});
  const auto centroids = torch::randn({1000, 8});
  // All distances together would be 240 MB, one chunk of them is 16 MB.
  CHECK(covector::testing::peak_bytes([&] { assign(data, centroids); }) < 40'000'000);
  // Means: one-hot rows of one chunk, int64 and float32, against 480 MB.
  CHECK(covector::testing::peak_bytes([&] { k_means(data, 1000, 1, 1); }) < 80'000'000);
  const auto wide = torch::randn({40'000, 64});
  // Rows in float64 would be 20 MB more than the 10 MB that come out.
  CHECK(covector::testing::peak_bytes([&] { whitened(wide, 64); }) <
        40'000 * 64 * 4 + 2 * (1 << 22) * 8 + 1'000'000);
}

TEST_CASE("normalised mutual information at the printed values", "[losses]") {
  const auto a = integers({0, 0, 1, 1, 2, 2});
  CHECK(mutual_information(a, integers({1, 1, 0, 0, 0, 2})) == Approx(0.739667).margin(6e-7));
  CHECK(mutual_information(a, integers({2, 2, 0, 0, 1, 1})) == Approx(1.0).epsilon(1e-12));
  CHECK(mutual_information(torch::zeros({6}, torch::kInt64), torch::arange(6)) ==
        Approx(0.0).margin(1e-12));
  CHECK(mutual_information(integers({0, 0, 1, 1}), integers({0, 1, 0, 1})) ==
        Approx(0.0).margin(1e-12));
  CHECK(mutual_information(integers({4, 4}), integers({1, 1})) == 0.0);
}

TEST_CASE("clustering says what is wrong", "[losses][errors]") {
  const auto data = torch::zeros({4, 3});
  CHECK_THROWS_WITH(k_means(data, 5, 0), "k: must be within 1 .. 4, the number of rows, got 5");
  CHECK_THROWS_WITH(k_means(data, 0, 0), "k: must be within 1 .. 4, the number of rows, got 0");
  CHECK_THROWS_WITH(whitened(data, 4),
                    "width: must be within 1 .. 3 for 4 rows of 3 numbers, got 4");
  CHECK_THROWS_WITH(assign(data, torch::zeros({2, 4})), "centroids: expected [*, 3], got [2, 4]");
  CHECK_THROWS_WITH(sinkhorn(torch::zeros({4})), "scores: expected [*, *], got [4]");
  CHECK_THROWS_WITH(mutual_information(integers({0, 1}), integers({0})),
                    "b: expected [2], got [1]");
}
