#include "support/catch.h"
#include "support/numeric.h"

#include "covector/networks/matching.h"

#include <torch/types.h>

using namespace covector::networks;
using covector::testing::max_gap;

namespace {

at::Tensor rows(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64).view({1, -1, 2});
}

}  // namespace

TEST_CASE("cosines of rows, by hand", "[matching]") {
  auto a = rows({1, 0, 3, 4, 0, 0});
  a.requires_grad_();
  const auto got = cosines(a, rows({0, 2, 4, 3}));
  CHECK(max_gap(got,
                torch::tensor({0.0, 0.8, 0.8, 0.96, 0.0, 0.0}, torch::kFloat64).view({1, 3, 2})) <
        1e-12);
  CHECK_FALSE(got.requires_grad());
  CHECK(cosines(a.detach().to(torch::kBFloat16), a.detach().to(torch::kBFloat16)).scalar_type() ==
        torch::kFloat32);
}

TEST_CASE("nearest rows come by falling cosine, equal ones by position", "[matching]") {
  // Cosines of (1, 0): 0, 1, 0.6, 1, -1.
  const auto b = rows({0, 2, 3, 0, 3, 4, 1, 0, -1, 0});
  const auto index = nearest_rows(rows({1, 0}), b, 3);
  CHECK(torch::equal(index.flatten(), torch::tensor({1, 3, 2})));
  CHECK(nearest_rows(rows({1, 0}), b).item<std::int64_t>() == 1);
  // The same in every sample, among its own rows only.
  const auto two = nearest_rows(rows({1, 0, 0, 1}).view({2, 1, 2}), at::cat({b, b.flip(1)}), 2);
  CHECK(torch::equal(two.flatten(), torch::tensor({1, 3, 4, 2})));
}

TEST_CASE("rows by position, with their gradient", "[matching]") {
  auto values = torch::arange(12.0).view({2, 3, 2}).requires_grad_();
  const auto taken = take_rows(values, torch::tensor({2, 2, 0, 1}).view({2, 2}));
  CHECK(torch::equal(taken.detach(),
                     torch::tensor({4.F, 5.F, 4.F, 5.F, 6.F, 7.F, 8.F, 9.F}).view({2, 2, 2})));
  taken.sum().backward();
  CHECK(
      torch::equal(values.grad().select(2, 0), torch::tensor({{0.F, 0.F, 2.F}, {1.F, 1.F, 0.F}})));
}

TEST_CASE("matching says what does not fit", "[matching][errors]") {
  const auto a = torch::zeros({2, 3, 4});
  CHECK_THROWS_WITH(cosines(a[0], a), "a: expected [*, *, *], got [3, 4]");
  CHECK_THROWS_WITH(cosines(a, torch::zeros({2, 3, 5})), "b: expected [2, *, 4], got [2, 3, 5]");
  CHECK_THROWS_WITH(nearest_rows(a, a, 4), "b: 4 rows are asked for, it has 3");
  CHECK_THROWS_WITH(take_rows(a, torch::zeros({1, 3}, torch::kInt64)),
                    "index: expected [2, *], got [1, 3]");
}
