#include "support/catch.h"
#include "support/fill.h"
#include "support/numeric.h"

#include "covector/networks/blocks.h"

#include <torch/types.h>

using namespace covector::networks;
using covector::testing::gradient_gap;
using covector::testing::max_gap;

TEST_CASE("a convolution of ones counts its neighbours", "[blocks]") {
  // Inside 2 channels * 9 (27) ones and the bias 0.5; a corner sees 2 * 4 (8).
  const auto dimensions = GENERATE(2, 3);
  Conv conv(dimensions, 2, 1, 3);
  const torch::NoGradGuard no_grad;
  conv.weight.fill_(1);
  conv.bias.fill_(0.5);
  std::vector<std::int64_t> shape{1, 2};
  shape.resize(dimensions + 2, 3);
  const auto y = conv.forward(torch::ones(shape)).flatten();
  CHECK(y[y.numel() / 2].item<float>() == (dimensions == 2 ? 18.5F : 54.5F));
  CHECK(y[0].item<float>() == (dimensions == 2 ? 8.5F : 16.5F));
  CHECK(conv.fan_in() == (dimensions == 2 ? 18 : 54));
}

TEST_CASE("a convolution says which numbers make none", "[blocks][errors]") {
  CHECK_THROWS_WITH(Conv(4, 1, 1, 3), "a convolution runs over 2 or 3 axes, not 4");
  CHECK_THROWS_WITH(Conv(2, 8, 0, 3),
                    "a convolution needs at least one channel in and out, got 8 and 0");
  CHECK_THROWS_WITH(Conv(2, 0, 8, 3),
                    "a convolution needs at least one channel in and out, got 0 and 8");
}

TEST_CASE("group normalisation worked out by hand", "[blocks]") {
  // Two groups of one channel: (1, 3) has mean 2 and variance 1, (5, 5) variance 0.
  GroupNorm norm(2, 2);
  norm.to(torch::kFloat64);
  const torch::NoGradGuard no_grad;
  norm.weight.copy_(torch::tensor({2.0, 1.0}));
  norm.bias.copy_(torch::tensor({0.0, -1.0}));
  const auto x = torch::tensor({1.0, 3.0, 5.0, 5.0}, torch::kFloat64).view({1, 2, 1, 2});
  const auto one = 1 / std::sqrt(1 + 1e-5);
  const auto wanted = torch::tensor({-2 * one, 2 * one, -1.0, -1.0}, torch::kFloat64);
  CHECK(max_gap(norm.forward(x).flatten(), wanted) < 1e-12);
}

TEST_CASE("max_pool takes the largest of each block", "[blocks]") {
  const auto x = torch::arange(16.0).view({1, 1, 4, 4});
  CHECK(torch::equal(max_pool(x, 2).flatten(), torch::tensor({5.0F, 7.0F, 13.0F, 15.0F})));
  const auto v = torch::arange(64.0).view({1, 1, 4, 4, 4});
  CHECK(torch::equal(max_pool(v, 4).flatten(), torch::tensor({63.0F})));
}

TEST_CASE("upsample_linear of a ramp worked out by hand", "[blocks]") {
  const auto row = torch::tensor({0.0, 3.0}, torch::kFloat64);
  // Corner centres in place: 0, 1, 2, 3. Corner edges in place: the outer quarter repeats the end.
  const auto centres = torch::tensor({0.0, 1.0, 2.0, 3.0}, torch::kFloat64);
  const auto edges = torch::tensor({0.0, 0.75, 2.25, 3.0}, torch::kFloat64);
  const auto flat = row.view({1, 1, 1, 2}).expand({1, 1, 2, 2});
  CHECK(max_gap(upsample_linear(flat, 2, true)[0][0][1], centres) < 1e-15);
  CHECK(max_gap(upsample_linear(flat, 2, false)[0][0][1], edges) < 1e-15);
  const auto deep = row.view({1, 1, 1, 1, 2}).expand({1, 1, 2, 2, 2});
  CHECK(max_gap(upsample_linear(deep, 2, true)[0][0][3][2], centres) < 1e-15);
  CHECK(max_gap(upsample_linear(deep, 2, false)[0][0][3][2], edges) < 1e-15);
  CHECK(upsample_linear(deep, 3, true).sizes() == at::IntArrayRef({1, 1, 6, 6, 6}));
}

TEST_CASE("a double block has the gradient of its formula, in place or not", "[blocks][gradient]") {
  torch::manual_seed(1);
  DoubleConv block(2, 2, 8);
  block.to(torch::kFloat64);
  const auto weight = torch::randn({2, 8, 4, 4}, torch::kFloat64);
  const auto gap =
      gradient_gap([&](const at::Tensor& x) { return (block.forward(x) * weight).sum(); },
                   torch::randn({2, 2, 4, 4}, torch::kFloat64));
  CHECK(gap < 1e-6);
}

TEST_CASE("a double block leaves its input as it was", "[blocks]") {
  const DoubleConv block(2, 1, 8);
  const auto x = torch::randn({1, 1, 4, 4});
  const auto before = x.clone();
  block.forward(x);
  CHECK(torch::equal(x, before));
}
