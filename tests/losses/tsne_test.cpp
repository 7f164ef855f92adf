#include "support/catch.h"
#include "support/numeric.h"

#include "covector/losses/tsne.h"

#include <torch/types.h>

#include <cmath>
#include <vector>

using namespace covector::losses;

namespace {

double at_pair(const at::Tensor& matrix, std::int64_t i, std::int64_t j) {
  return matrix[i][j].item<double>();
}

/// Three groups of 40 points in five dimensions, of sines so that Python can make the same:
///   i = np.arange(120)[:, None]; k = np.arange(5)[None, :]
///   x = 3 * np.sin(1 + (i // 40) * 2.1 + k * 1.3) + np.sin(0.7 * i * (k + 1) + 0.3 * k * k)
at::Tensor three_groups() {
  const auto i = torch::arange(120, torch::kFloat64).unsqueeze(1);
  const auto k = torch::arange(5, torch::kFloat64).unsqueeze(0);
  const auto group = i.div(40, "floor");
  return 3 * (1 + group * 2.1 + k * 1.3).sin() + (0.7 * i * (k + 1) + 0.3 * k * k).sin();
}

/// 10 x 12 points of a sheet that is bent in five dimensions; with i as above, u = i // 12 / 10 and
/// w = i % 12 / 12:
///   np.concatenate([3 * u, 2 * w, np.sin(2 * u), np.cos(2 * w), u * w], 1)
at::Tensor bent_sheet() {
  const auto i = torch::arange(120, torch::kFloat64);
  const auto u = i.div(12, "floor") / 10;
  const auto w = i.remainder(12) / 12;
  return torch::stack({3 * u, 2 * w, (2 * u).sin(), (2 * w).cos(), u * w}, 1);
}

at::Tensor some_map() {
  const auto i = torch::arange(120, torch::kFloat64);
  return torch::stack({(0.5 * i).sin() * 2 + i.div(40, "floor") * 3, (0.9 * i).cos()}, 1);
}

}  // namespace

TEST_CASE("neighbour probabilities have the perplexity asked for", "[losses][tsne]") {
  const auto p = neighbour_probabilities(three_groups(), 15);
  CHECK((p.sum(1) - 1).abs().max().item<double>() < 1e-12);
  CHECK(p.diagonal().abs().max().item<double>() == 0);
  const auto entropy = -torch::special_xlogy(p, p).sum(1);
  CHECK((entropy.exp() - 15).abs().max().item<double>() < 1e-8);
  // SciPy 1.17: scipy.optimize.brentq of the entropy of each row less log(15), over the sharpness.
  CHECK(std::abs(at_pair(p, 0, 1) - 0.002440123653296672) < 1e-9);
  CHECK(std::abs(at_pair(p, 0, 39) - 0.006546186298250936) < 1e-9);
  CHECK(std::abs(at_pair(p, 60, 45) - 0.01826031426732396) < 1e-9);
  CHECK(std::abs(at_pair(p, 119, 80) - 0.012464670144632026) < 1e-9);
  CHECK(std::abs(p.square().sum().item<double>() - 12.778284923001568) < 1e-7);
}

TEST_CASE("neighbour probabilities do not change with the scale of the points", "[losses][tsne]") {
  const auto x = three_groups();
  const auto gap = neighbour_probabilities(1e6 * x, 15) - neighbour_probabilities(x, 15);
  CHECK(gap.abs().max().item<double>() < 1e-9);
}

TEST_CASE("copies of a point are picked evenly", "[losses][tsne]") {
  // Each of four copies has three others, more than the perplexity: 1/3 for each, 0 for far ones.
  const auto x = torch::tensor({0.0, 0.0, 0.0, 0.0, 1.0, 2.0}, torch::kFloat64).view({6, 1});
  const auto p = neighbour_probabilities(x, 2);
  CHECK(at_pair(p, 0, 3) == Approx(1.0 / 3));
  CHECK(at_pair(p, 0, 4) == 0);
  // All points equal: a fifth each.
  CHECK(at_pair(neighbour_probabilities(torch::ones({6, 2}), 2), 1, 5) == Approx(0.2));
}

TEST_CASE("the divergence of a given map is scikit-learn's", "[losses][tsne]") {
  const auto joint = joint_probabilities(neighbour_probabilities(three_groups(), 15));
  CHECK(joint.sum().item<double>() == Approx(1.0).epsilon(1e-12));
  // scikit-learn 1.9.1: sklearn.manifold._t_sne._kl_divergence(y.ravel(), squareform(joint), 1,
  // 120, 2) with joint from the same SciPy rows.
  const auto got = map_divergence(joint, some_map());
  CHECK(std::abs(got.value - 1.9870433949036201) < 1e-8);
  CHECK(std::abs(at_pair(got.gradient, 0, 0) - 0.00325582) < 1e-8);
  CHECK(std::abs(at_pair(got.gradient, 0, 1) - 0.00245566) < 1e-8);
  CHECK(std::abs(at_pair(got.gradient, 77, 0) - 0.00222212) < 1e-8);
  CHECK(std::abs(at_pair(got.gradient, 77, 1) + 0.00081453) < 1e-8);
}

TEST_CASE("the gradient of the divergence is that of finite differences", "[losses][tsne]") {
  const auto joint =
      joint_probabilities(neighbour_probabilities(three_groups().slice(0, 30, 50), 5));
  const auto map = some_map().slice(0, 30, 50).contiguous();
  const auto gradient = map_divergence(joint, map).gradient;
  constexpr double kStep = 1e-6;
  for (std::int64_t i = 0; i < map.size(0); ++i)
    for (std::int64_t axis = 0; axis < 2; ++axis) {
      const auto at = [&](double step) {
        auto moved = map.clone();
        moved[i][axis] += step;
        return map_divergence(joint, moved).value;
      };
      CHECK(std::abs((at(kStep) - at(-kStep)) / (2 * kStep) - at_pair(gradient, i, axis)) < 1e-9);
    }
}

TEST_CASE("t-SNE ends where scikit-learn's does", "[losses][tsne]") {
  const auto x = bent_sheet();
  const auto got = tsne(x, {10, 1000});
  // scikit-learn 1.9.1: TSNE(perplexity=10, method="exact", init="pca", learning_rate="auto",
  // max_iter=1000, min_grad_norm=0, n_iter_without_progress=10000).fit(x).kl_divergence_ is 0.4114;
  // from other starts, two of them random, 0.4110 to 0.4112.
  CHECK(got.divergence == Approx(0.4112).epsilon(0.01));
  const auto joint = joint_probabilities(neighbour_probabilities(x, 10));
  CHECK(got.divergence == map_divergence(joint, got.points).value);
}

TEST_CASE("t-SNE keeps groups together, the same way every time", "[losses][tsne]") {
  const auto x = three_groups();
  const auto map = tsne(x, {15, 500}).points;
  // Each point's nearest one in the map is of its own group.
  const auto gaps = torch::cdist(map, map).fill_diagonal_(1e9);
  const auto group = torch::arange(120).div(40, "floor");
  CHECK(at::equal(group.index_select(0, gaps.argmin(1)), group));
  CHECK(at::equal(tsne(x, {15, 500}).points, map));
}

TEST_CASE("t-SNE says which perplexity is possible", "[losses][tsne][errors]") {
  CHECK_THROWS_WITH(tsne(torch::zeros({30, 2}), {30, 1}),
                    "perplexity: expected more than 1 and less than 29, one less than the points, "
                    "got 30.000000");
  CHECK_THROWS_AS(tsne(torch::zeros({30}), {5, 1}), std::invalid_argument);
}
