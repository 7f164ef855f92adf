#include "contrast.h"

#include "support/catch.h"
#include "support/numeric.h"

#include "covector/losses/contrast.h"

#include <torch/types.h>

#include <cmath>

namespace covector::chaitanya {
namespace {

at::Tensor rows(std::vector<double> numbers) {
  return torch::tensor(numbers, torch::kFloat64).view({-1, 2});
}

TEST_CASE("the contrast of one region, worked out by hand", "[chaitanya]") {
  // C2 of the sheet. a with its negatives: 0, -1, 0.6, 0; b with the same: 0.6, -0.8, 0.96, -0.6.
  const auto first = rows({1, 0, 0, 1, -1, 0}).unsqueeze(0);
  const auto second = rows({0.8, 0.6, 0.6, 0.8, 0, -1}).unsqueeze(0);
  const auto loss = region_contrast(first, second, torch::tensor({1, 2}).view({1, 2}), 0.1);
  REQUIRE(loss.sizes() == at::IntArrayRef({1, 1, 2}));
  const auto by_hand = [](std::vector<double> negatives) {
    double sum = 1;
    for (const auto n : negatives) sum += std::exp(10 * (n - 0.8));
    return std::log(sum);
  };
  const auto a = loss[0][0][0].item<double>();
  const auto b = loss[0][0][1].item<double>();
  CHECK(a == Approx(by_hand({0, -1, 0.6, 0})).epsilon(1e-9));
  CHECK(b == Approx(by_hand({0.6, -0.8, 0.96, -0.6})).epsilon(1e-9));
  CHECK(a == Approx(0.127519).margin(5e-7));
  CHECK(b == Approx(1.806380).margin(5e-7));
  CHECK((a + b) / 2 == Approx(0.966949).margin(1e-6));
}

TEST_CASE("anchors of a sample meet their own negatives alone", "[chaitanya]") {
  torch::manual_seed(1);
  const auto first = losses::unit(torch::randn({2, 4, 3}, torch::kFloat64), 2);
  const auto second = losses::unit(torch::randn({2, 4, 3}, torch::kFloat64), 2);
  const auto negatives = torch::tensor({1, 3, 0, 2, 3, 1}).view({3, 2});
  const auto loss = region_contrast(first, second, negatives, 0.5);
  for (std::int64_t n = 0; n < 2; ++n)
    for (std::int64_t r = 0; r < 3; ++r) {
      double sum = 0;
      const auto a = first[n][r];
      const auto score = [&](const at::Tensor& b) {
        return std::exp((a * b).sum().item<double>() / 0.5);
      };
      for (std::int64_t i = 0; i < 2; ++i) {
        const auto other = negatives[r][i].item<std::int64_t>();
        sum += score(first[n][other]) + score(second[n][other]);
      }
      const auto positive = score(second[n][r]);
      CHECK(loss[n][r][0].item<double>() ==
            Approx(std::log((positive + sum) / positive)).epsilon(1e-12));
    }
}

TEST_CASE("the global contrast of two pairs", "[chaitanya]") {
  // C3 of the sheet: rows (0, 1) and (2, 3) are pairs.
  const auto z = losses::unit(rows({1, 0, 0.9, 0.1, 0, 1, 0.2, 1}));
  const auto first = torch::stack({z[0], z[2]});
  const auto second = torch::stack({z[1], z[3]});
  const auto loss = losses::nt_xent(first, second, 0.1);
  const auto is = [](double value) { return Approx(value).margin(5e-7); };
  CHECK(loss[0].item<double>() == is(0.000391));
  CHECK(loss[2].item<double>() == is(0.001146));
  CHECK(loss[1].item<double>() == is(0.000221));
  CHECK(loss[3].item<double>() == is(0.001534));
  CHECK(loss.mean().item<double>() == is(0.000823));
}

TEST_CASE("the contrast of partitions", "[chaitanya]") {
  // C4 of the sheet.
  const auto z = losses::unit(rows({1, 0, 0, 1, 0.9, 0.1, 0.2, 1, 0.8, 0.3, 0.1, 0.9}));
  const auto partition = torch::tensor({0, 1, 0, 1, 0, 1});
  const auto loss = partition_contrast(z, partition, 0.1);
  CHECK(loss[0][2].item<double>() == Approx(0.000537).margin(5e-7));
  CHECK(loss[2][0].item<double>() == Approx(0.001579).margin(5e-7));
  // The last two rows as negatives that carry no gradient: the same numbers.
  const auto split = partition_contrast(z.narrow(0, 0, 4), partition.narrow(0, 0, 4), 0.1,
                                        z.narrow(0, 4, 2), partition.narrow(0, 4, 2));
  CHECK(testing::max_gap(split, loss.slice(0, 0, 4).slice(1, 0, 4)) < 1e-12);
}

TEST_CASE("a partition without others has nothing to lose, and no gradient", "[chaitanya]") {
  const auto z = rows({1, 0, 0, 1}).set_requires_grad(true);
  const auto loss = partition_contrast(z, torch::zeros({2}), 0.1).sum();
  CHECK(loss.item<double>() == 0);
  loss.backward();
  CHECK(z.grad().abs().sum().item<double>() == 0);
}

TEST_CASE("positive pairs share their partition, and sample or view", "[chaitanya]") {
  // Samples 0, 1, 2 in two views; the second view of sample 2 lies in another part.
  const auto positive = partition_pairs(torch::tensor({0, 0, 1, 0, 0, 0}));
  auto expected = torch::zeros({6, 6}, torch::kBool);
  for (const auto& [a, b] :
       std::vector<std::pair<int, int>>{{0, 1}, {0, 3}, {1, 4}, {3, 4}, {3, 5}, {4, 5}}) {
    expected[a][b] = true;
    expected[b][a] = true;
  }
  CHECK(torch::equal(positive, expected));
}

TEST_CASE("the contrasts have the gradients of their formulas", "[chaitanya][gradient]") {
  torch::manual_seed(2);
  const auto other = losses::unit(torch::randn({2, 4, 3}, torch::kFloat64), 2);
  const auto negatives = torch::tensor({1, 3, 0, 2, 3, 1}).view({3, 2});
  const auto x = torch::randn({2, 4, 3}, torch::kFloat64);
  CHECK(testing::gradient_gap(
            [&](const at::Tensor& a) { return region_contrast(a, other, negatives, 0.5).mean(); },
            x) < 1e-7);
  CHECK(testing::gradient_gap(
            [&](const at::Tensor& b) { return region_contrast(other, b, negatives, 0.5).mean(); },
            x) < 1e-7);
  const auto partition = torch::tensor({0, 1, 1, 0, 2});
  const auto more = losses::unit(torch::randn({3, 3}, torch::kFloat64));
  CHECK(testing::gradient_gap(
            [&](const at::Tensor& z) {
              return partition_contrast(z, partition, 0.5, more, torch::tensor({0, 1, 5})).mean();
            },
            torch::randn({5, 3}, torch::kFloat64)) < 1e-7);
}

TEST_CASE("no gradient flows into earlier embeddings", "[chaitanya][gradient]") {
  const auto more = rows({1, 0}).set_requires_grad(true);
  const auto z = rows({0, 1, 1, 0}).set_requires_grad(true);
  partition_contrast(z, torch::tensor({0, 0}), 0.1, more, torch::tensor({1})).sum().backward();
  CHECK(z.grad().defined());
  CHECK_FALSE(more.grad().defined());
}

TEST_CASE("the contrasts say which shape is wrong", "[chaitanya][errors]") {
  const auto x = torch::zeros({1, 4, 2});
  CHECK_THROWS_WITH(region_contrast(x, torch::zeros({1, 3, 2}), torch::zeros({1, 1}), 1),
                    "second: expected [1, 4, 2], got [1, 3, 2]");
  CHECK_THROWS_WITH(partition_contrast(torch::zeros({3, 2}), torch::zeros({2}), 1),
                    "partition: expected [3], got [2]");
  CHECK_THROWS_WITH(partition_contrast(torch::zeros({3, 2}), torch::zeros({3}), 1,
                                       torch::zeros({4, 2}), torch::zeros({3})),
                    "more_partition: expected [4], got [3]");
}

}  // namespace
}  // namespace covector::chaitanya
