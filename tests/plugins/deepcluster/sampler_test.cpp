#include "sampler.h"

#include "support/catch.h"
#include "support/numeric.h"

#include <torch/types.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

namespace covector::deepcluster {
namespace {

using Lists = std::vector<std::vector<std::int64_t>>;

at::Tensor integers(const std::vector<std::int64_t>& values) {
  return torch::tensor(values, torch::kInt64);
}

std::map<std::int64_t, int> counted(const std::vector<std::int64_t>& order) {
  std::map<std::int64_t, int> counts;
  for (const auto position : order) ++counts[position];
  return counts;
}

TEST_CASE("the images of each cluster", "[deepcluster]") {
  CHECK(members(integers({2, 0, 2, 2, 0}), 4) == Lists{{1, 4}, {}, {0, 2, 3}, {}});
}

TEST_CASE("clusters are shown equally often", "[deepcluster]") {
  // 3 draws of cluster {0, 1, 2, 3} without repeats and of {4} with: 6, cut to 5.
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    RandomStream random(seed, "test");
    const auto order = uniform_order({{0, 1, 2, 3}, {4}, {}}, 5, random);
    CHECK(order.size() == 5);
    auto counts = counted(order);
    const auto of_last = counts[4];
    counts.erase(4);
    CHECK((of_last == 2 || of_last == 3));
    for (const auto& [position, count] : counts) CHECK(count == 1);
  }
  // Lists of 7 and 3: 6 draws each, cut to 10.
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    RandomStream random(seed, "test");
    const auto order = uniform_order({{0, 1, 2, 3, 4, 5, 6}, {7, 8, 9}}, 10, random);
    CHECK(order.size() == 10);
    const auto large = std::count_if(order.begin(), order.end(), [](auto p) { return p < 7; });
    CHECK(large >= 4);
    CHECK(large <= 6);
    const auto counts = counted(order);
    for (const auto& [position, count] : counts)
      if (position < 7) CHECK(count == 1);
  }
}

TEST_CASE("clusters of very different size get their equal share", "[deepcluster]") {
  // Shares 0.70, 0.20, 0.09, 0.01; the released code showed them 0.72, 0.18, 0.08, 0.02.
  constexpr std::int64_t kImages = 2000;
  const std::vector<std::int64_t> ends{1400, 1800, 1980, 2000};
  Lists clusters(4);
  RandomStream shuffle(1, "test");
  const auto places = shuffle.permutation(kImages);  // image order unrelated to clusters
  std::vector<std::int64_t> cluster_of(kImages);
  for (std::int64_t i = 0, c = 0; i < kImages; ++i) {
    if (i == ends[c]) ++c;
    clusters[c].push_back(places[i]);
    cluster_of[places[i]] = c;
  }
  RandomStream random(2, "test");
  const auto order = uniform_order(clusters, kImages, random);
  REQUIRE(order.size() == kImages);
  std::vector<double> shown(4);
  for (const auto position : order) shown[cluster_of[position]] += 1.0 / kImages;
  // 501 draws each, of 2004 all but 4 are kept.
  for (const auto share : shown) CHECK(share == Approx(0.25).margin(0.003));
  // Shuffled: the first half shows all of them as well.
  std::set<std::int64_t> early;
  for (std::int64_t i = 0; i < 50; ++i) early.insert(cluster_of[order[i]]);
  CHECK(early.size() == 4);
}

TEST_CASE("weights that make clusters count equally", "[deepcluster]") {
  // Sizes 6, 3, 0, 1 of 10: 10 / (3 * 6), 10 / (3 * 3), none, 10 / (3 * 1).
  const auto labels = integers({0, 0, 0, 0, 0, 0, 1, 1, 1, 3});
  const auto weights = cluster_weights(labels, 4);
  const auto wanted = torch::tensor({10.0 / 18, 10.0 / 9, 0.0, 10.0 / 3}, torch::kFloat64);
  CHECK(testing::max_gap(weights, wanted) < 1e-15);
  CHECK(weights[0].item<double>() == Approx(0.555556).margin(6e-7));
  CHECK(weights[3].item<double>() == Approx(3.333333).margin(6e-7));
  CHECK(weights.index({labels}).mean().item<double>() == Approx(1.0).epsilon(1e-12));
}

}  // namespace
}  // namespace covector::deepcluster
