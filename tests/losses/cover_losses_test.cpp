#include "support/catch.h"
#include "support/numeric.h"

#include "covector/losses/consistency_loss.h"
#include "covector/losses/vector_loss.h"

#include <torch/types.h>

#include <cmath>

using namespace covector::losses;
using covector::testing::gradient_gap;
using covector::testing::max_gap;

namespace {

at::Tensor map(std::vector<double> values, at::IntArrayRef shape) {
  return torch::tensor(values, torch::kFloat64).view(shape);
}

}  // namespace

TEST_CASE("vector_loss sums axes and averages the mask's pixels", "[losses]") {
  // |1 - 3| + |0 + 1| = 3, |2 - 2| + |5 - 1| = 4, and a pixel outside the mask.
  const auto predicted = map({1, 2, 9, 0, 5, 9}, {1, 2, 1, 3});
  const auto target = map({3, 2, 0, -1, 1, 0}, {1, 2, 1, 3});
  const auto mask = map({1, 1, 0}, {1, 1, 1, 3}).to(torch::kBool);
  CHECK(vector_loss(predicted, target, mask).item<double>() == 3.5);
  CHECK(vector_loss(predicted, target, torch::ones_like(mask)).item<double>() == 25.0 / 3);
}

TEST_CASE("vector_loss divides by the mask of the whole batch", "[losses]") {
  // Sample 0 has one pixel at distance 2, sample 1 two at distance 5: (2 + 10) / 3.
  const auto predicted = map({2, 7, 5, 5}, {2, 1, 1, 2});
  const auto mask = map({1, 0, 1, 1}, {2, 1, 1, 2}).to(torch::kBool);
  const auto target = torch::zeros_like(predicted);
  CHECK(vector_loss(predicted.repeat({1, 2, 1, 1}), target.repeat({1, 2, 1, 1}), mask)
            .item<double>() == 8.0);
}

TEST_CASE("vector_loss has the gradient of its formula", "[losses][gradient]") {
  torch::manual_seed(7);
  for (const auto& shape : {std::vector<std::int64_t>{2, 2, 3, 4}, {2, 3, 2, 3, 2}}) {
    const auto target = torch::randn(shape, torch::kFloat64);
    auto one = shape;
    one[1] = 1;
    const auto mask = torch::rand(one) > 0.3;
    CHECK(gradient_gap([&](const at::Tensor& v) { return vector_loss(v, target, mask); },
                       torch::randn(shape, torch::kFloat64)) < 1e-8);
  }
}

TEST_CASE("consistency_loss of three pixels worked out by hand", "[losses]") {
  // Cosines: (1, 0) and (0, 1): 0; (3, 4) and (6, 8): 1; (0, 0) and (1, 1): 0 by the bound on
  // norms.
  const auto f = map({1, 3, 0, 0, 4, 0}, {1, 2, 1, 3});
  const auto g = map({0, 6, 1, 1, 8, 1}, {1, 2, 1, 3});
  const auto mask = map({1, 1, 0}, {1, 1, 1, 3}).to(torch::kBool);
  CHECK(consistency_loss(f, g, mask).item<double>() == Approx(0.5).epsilon(1e-15));
  CHECK(consistency_loss(f, g, torch::ones_like(mask)).item<double>() ==
        Approx(2.0 / 3).epsilon(1e-15));
  CHECK(consistency_loss(f, -f, mask).item<double>() == Approx(2.0).epsilon(1e-15));
}

TEST_CASE("consistency_loss has the gradient of its formula in both maps", "[losses][gradient]") {
  torch::manual_seed(8);
  for (const auto& shape : {std::vector<std::int64_t>{2, 4, 3, 4}, {2, 4, 2, 3, 2}}) {
    const auto g = torch::randn(shape, torch::kFloat64);
    auto one = shape;
    one[1] = 1;
    const auto mask = torch::rand(one) > 0.3;
    const auto x = torch::randn(shape, torch::kFloat64);
    CHECK(gradient_gap([&](const at::Tensor& f) { return consistency_loss(f, g, mask); }, x) <
          1e-7);
    CHECK(gradient_gap([&](const at::Tensor& f) { return consistency_loss(g, f, mask); }, x) <
          1e-7);
  }
}

TEST_CASE("an empty mask gives zero loss and zero gradient, or NaN as published", "[losses]") {
  auto f = torch::randn({2, 2, 3, 3}, torch::kFloat64).set_requires_grad(true);
  const auto g = torch::zeros({2, 2, 3, 3}, torch::kFloat64);
  const auto mask = torch::zeros({2, 1, 3, 3}, torch::kBool);
  const auto loss = vector_loss(f, g, mask) + consistency_loss(f, g, mask);
  loss.backward();
  CHECK(loss.item<double>() == 0.0);
  CHECK((f.grad() == 0).all().item<bool>());
  CHECK(std::isnan(vector_loss(f, g, mask, EmptyMask::nan).item<double>()));
  CHECK(std::isnan(consistency_loss(f, g, mask, EmptyMask::nan).item<double>()));
}

TEST_CASE("empty_masks counts the samples without a pixel", "[losses]") {
  const auto mask = map({0, 0, 0, 1, 0, 0}, {3, 1, 1, 2}).to(torch::kBool);
  CHECK(empty_masks(mask).item<std::int64_t>() == 2);
  CHECK(empty_masks(torch::ones({4, 1, 2, 2, 2})).item<std::int64_t>() == 0);
}

TEST_CASE("half precision is summed in float32", "[losses]") {
  // 4097 ones: a bfloat16 sum stops at 256, a float16 one at 2048.
  const auto mask = torch::ones({1, 1, 17, 241}, torch::kBool);
  for (const auto type : {torch::kBFloat16, torch::kHalf}) {
    const auto ones = torch::ones({1, 2, 17, 241}, type);
    const auto far = vector_loss(ones, torch::zeros_like(ones), mask);
    CHECK(far.scalar_type() == torch::kFloat32);
    CHECK(far.item<double>() == 2.0);
    CHECK(consistency_loss(ones, -ones, mask).item<double>() == Approx(2.0).epsilon(1e-6));
  }
}

TEST_CASE("the losses of COVER say which shape is wrong", "[losses][errors]") {
  const auto f = torch::zeros({2, 3, 4, 5});
  const auto mask = torch::ones({2, 1, 4, 5}, torch::kBool);
  CHECK_THROWS_WITH(vector_loss(f, torch::zeros({2, 2, 4, 5}), mask),
                    "target: expected [2, 3, 4, 5], got [2, 2, 4, 5]");
  CHECK_THROWS_WITH(vector_loss(f, f, f), "mask: expected [2, 1, 4, 5], got [2, 3, 4, 5]");
  CHECK_THROWS_WITH(consistency_loss(f, torch::zeros({2, 3, 5, 4}), mask),
                    "g: expected [2, 3, 4, 5], got [2, 3, 5, 4]");
  CHECK_THROWS_WITH(consistency_loss(f, f, torch::ones({1, 1, 4, 5})),
                    "mask: expected [2, 1, 4, 5], got [1, 1, 4, 5]");
  CHECK_THROWS_WITH(masked_mean(f, mask), "values: expected [2, 1, 4, 5], got [2, 3, 4, 5]");
}
