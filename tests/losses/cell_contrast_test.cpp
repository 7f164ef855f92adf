#include "support/catch.h"
#include "support/numeric.h"
#include "support/peak_memory.h"

#include "covector/losses/cell_contrast.h"
#include "covector/losses/contrast.h"

#include <torch/types.h>

#include <cmath>

using namespace covector::losses;
using covector::testing::gradient_gap;
using covector::testing::max_gap;

namespace {

at::Tensor rows(const std::vector<double>& values, std::int64_t width = 2) {
  return torch::tensor(values, torch::kFloat64).view({1, -1, width});
}

at::Tensor random_unit(at::IntArrayRef shape, std::int64_t seed) {
  torch::manual_seed(seed);
  return unit(torch::randn(shape, torch::kFloat64), static_cast<std::int64_t>(shape.size()) - 1);
}

}  // namespace

TEST_CASE("what negatives pull, by hand", "[cell_contrast]") {
  // Similarities 0 and -0.6 over 0.5: log(1 + e^{-1.2})
  const auto mass = negative_mass(rows({1, 0}), rows({0, 1, -0.6, 0.8})[0], 0.5);
  REQUIRE(mass.sizes() == at::IntArrayRef({1, 1}));
  CHECK(mass.item<double>() == Approx(std::log(1 + std::exp(-1.2))).epsilon(1e-12));
}

TEST_CASE("each chosen cell is alone with the negatives", "[cell_contrast]") {
  const auto query = rows({1, 0});
  const auto keys = rows({0.6, 0.8, 0, 1, 0.8, 0.6});
  const auto negatives = rows({0, -1, -0.6, 0.8})[0];
  const auto chosen = torch::tensor({2, 0}).view({1, 1, 2});
  const auto loss = cell_nce(query, keys, chosen, negatives, 0.2);
  REQUIRE(loss.sizes() == at::IntArrayRef({1, 1, 2}));
  const auto mass = std::exp(0 / 0.2) + std::exp(-0.6 / 0.2);
  CHECK(loss[0][0][0].item<double>() ==
        Approx(-std::log(std::exp(4.0) / (std::exp(4.0) + mass))).epsilon(1e-12));
  CHECK(loss[0][0][1].item<double>() ==
        Approx(-std::log(std::exp(3.0) / (std::exp(3.0) + mass))).epsilon(1e-12));
}

TEST_CASE("with one positive a cell's loss is that of InfoNCE, in every sample",
          "[cell_contrast]") {
  const auto queries = random_unit({3, 5, 4}, 1);
  const auto keys = random_unit({3, 6, 4}, 2);
  const auto negatives = random_unit({7, 4}, 3);
  const auto chosen = torch::randint(6, {3, 5, 1});
  const auto loss = cell_nce(queries, keys, chosen, negatives, 0.2);
  for (std::int64_t n = 0; n < 3; ++n) {
    const auto partners = keys[n].index_select(0, chosen[n].flatten());
    CHECK(max_gap(loss[n].flatten(), info_nce(queries[n], partners, negatives, 0.2)) < 1e-12);
  }
}

TEST_CASE("contrast with a set, by hand", "[cell_contrast]") {
  // Cell 0 has both keys, cell 1 none, cell 2 the second; temperature 1.
  const auto queries = rows({1, 0, 0, 1, 0, -1});
  const auto keys = rows({0.6, 0.8, 0.8, 0.6});
  const auto negatives = rows({-1, 0})[0];
  const auto positive =
      torch::tensor({1, 1, 0, 0, 0, 1}, torch::kInt64).to(torch::kBool).view({1, 3, 2});
  const auto together = std::log(std::exp(0.6) + std::exp(0.8) + std::exp(-1.0));
  const auto first = ((together - 0.6) + (together - 0.8)) / (2 + 1e-8);
  const auto third = (std::log(std::exp(-0.6) + 1) + 0.6) / (1 + 1e-8);
  CHECK(set_nce(queries, keys, positive, negatives, 1.0).item<double>() ==
        Approx((first + third) / (2 + 1e-8)).epsilon(1e-12));
}

TEST_CASE("samples count alike, whatever the number of their positives", "[cell_contrast]") {
  const auto queries = random_unit({2, 4, 3}, 4);
  const auto keys = random_unit({2, 5, 3}, 5);
  const auto negatives = random_unit({6, 3}, 6);
  auto positive = torch::rand({2, 4, 5}) > 0.4;
  positive[1] = false;
  const auto both = set_nce(queries, keys, positive, negatives, 0.2).item<double>();
  const auto first = set_nce(queries.narrow(0, 0, 1), keys.narrow(0, 0, 1),
                             positive.narrow(0, 0, 1), negatives, 0.2)
                         .item<double>();
  REQUIRE(first > 0.1);
  CHECK(both == Approx(first / 2).epsilon(1e-12));
}

TEST_CASE("without any positive the set loss is 0, with zero gradient", "[cell_contrast]") {
  auto queries = random_unit({1, 4, 3}, 7).requires_grad_();
  const auto loss = set_nce(queries, random_unit({1, 4, 3}, 8),
                            torch::zeros({1, 4, 4}, torch::kBool), random_unit({6, 3}, 9), 0.2);
  loss.backward();
  CHECK(loss.item<double>() == 0.0);
  CHECK(torch::equal(queries.grad(), torch::zeros_like(queries)));
}

TEST_CASE("contrasts of cells have the gradient of their formula, and none in keys and negatives",
          "[cell_contrast][gradient]") {
  const auto queries = random_unit({2, 4, 3}, 10);
  auto keys = random_unit({2, 5, 3}, 11).requires_grad_();
  auto negatives = random_unit({6, 3}, 12).requires_grad_();
  const auto chosen = torch::randint(5, {2, 4, 2});
  auto positive = torch::rand({2, 4, 5}) > 0.4;
  positive[0][1] = false;  // a query without positive beside others
  const auto weights = torch::rand({2, 4, 2}, torch::kFloat64);
  const auto nearest = [&](const at::Tensor& q) {
    return (weights * cell_nce(q, keys, chosen, negatives, 0.2)).sum();
  };
  const auto set = [&](const at::Tensor& q) { return set_nce(q, keys, positive, negatives, 0.2); };
  CHECK(gradient_gap(nearest, queries) < 1e-7);
  CHECK(gradient_gap(set, queries) < 1e-7);
  CHECK_FALSE(keys.grad().defined());
  CHECK_FALSE(negatives.grad().defined());
}

TEST_CASE("contrasts of cells keep few matrices of cells x negatives", "[cell_contrast][memory]") {
  // 4 N S^d (1 + K) bytes a copy. At the peak, in the backward pass of the logarithm, there are
  // the logits, two temporaries and their gradient.
  const std::int64_t n = 2;
  const std::int64_t cells = 36;
  const std::int64_t capacity = 4096;
  const auto copy = 4 * n * cells * (1 + capacity);
  const auto options = torch::dtype(torch::kFloat32);
  const auto queries = unit(torch::randn({n, cells, 8}, options), 2).requires_grad_();
  const auto keys = unit(torch::randn({n, cells, 8}, options), 2);
  const auto negatives = unit(torch::randn({capacity, 8}, options));
  const auto chosen = torch::randint(cells, {n, cells, 2});
  const auto positive = torch::rand({n, cells, cells}) > 0.5;
  const auto nearest = covector::testing::peak_bytes(
      [&] { cell_nce(queries, keys, chosen, negatives, 0.2).mean().backward(); });
  const auto set = covector::testing::peak_bytes(
      [&] { set_nce(queries, keys, positive, negatives, 0.2).backward(); });
  INFO(nearest << " and " << set << " bytes, a copy " << copy);
  CHECK(nearest >= copy);
  CHECK(nearest < 4.1 * copy);
  CHECK(set >= copy);
  CHECK(set < 4.1 * copy);
}

TEST_CASE("contrasts of cells say which shape is wrong", "[cell_contrast][errors]") {
  const auto queries = torch::zeros({2, 4, 3});
  const auto keys = torch::zeros({2, 5, 3});
  const auto negatives = torch::zeros({6, 3});
  const auto chosen = torch::zeros({2, 4, 1}, torch::kInt64);
  CHECK_THROWS_WITH(negative_mass(queries[0], negatives, 1),
                    "queries: expected [*, *, *], got [4, 3]");
  CHECK_THROWS_WITH(negative_mass(queries, torch::zeros({6, 2}), 1),
                    "negatives: expected [*, 3], got [6, 2]");
  CHECK_THROWS_WITH(cell_nce(queries, torch::zeros({1, 5, 3}), chosen, negatives, 1),
                    "keys: expected [2, *, 3], got [1, 5, 3]");
  CHECK_THROWS_WITH(cell_nce(queries, keys, chosen.narrow(1, 0, 3), negatives, 1),
                    "chosen: expected [2, 4, *], got [2, 3, 1]");
  CHECK_THROWS_WITH(set_nce(queries, keys, torch::zeros({2, 4, 4}, torch::kBool), negatives, 1),
                    "positive: expected [2, 4, 5], got [2, 4, 4]");
}
