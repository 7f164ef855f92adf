#include "support/catch.h"
#include "support/numeric.h"

#include "patches.h"
#include "stage.h"
#include "window_attention.h"

#include <torch/types.h>

using namespace covector;
using namespace covector::swinunet;

TEST_CASE("windows are cut row by row and put back", "[swinunet]") {
  const auto map = torch::arange(2 * 4 * 6).view({2, 4, 6, 1});
  const auto windows = windows_of(map, 2);
  REQUIRE(windows.sizes() == at::IntArrayRef({12, 4, 1}));
  // Rows 0 and 1, columns 2 and 3 of a map that is 6 wide.
  CHECK(torch::equal(windows[1].flatten(), torch::tensor({2, 3, 8, 9})));
  CHECK(torch::equal(windows[3].flatten(), torch::tensor({12, 13, 18, 19})));
  CHECK(torch::equal(map_of(windows, 2, 4, 6), map));
}

TEST_CASE("relative positions count from the far corner", "[swinunet]") {
  const auto rows = relative_positions(3);
  REQUIRE(rows.sizes() == at::IntArrayRef({9, 9}));
  // A key at (0, 0) lies 0 below the query at (0, 0): (0 + 2) * 5 + 0 + 2 = 12; one at (2, 2) lies
  // (-2 + 2) * 5 + (-2 + 2) = 0.
  CHECK(torch::equal(rows[0], torch::tensor({12, 11, 10, 7, 6, 5, 2, 1, 0})));
  CHECK(torch::equal(rows[8], torch::tensor({24, 23, 22, 19, 18, 17, 14, 13, 12})));
}

TEST_CASE("the mask parts what a roll has brought together", "[swinunet]") {
  // Of four windows of 49 tokens the first has one region; the second has columns of 4 and of 3, so
  // 2 * 28 * 21 = 1176 pairs; the last has regions of 16, 12, 12 and 9: 49^2 - 16^2 - 2 * 12^2 -
  // 9^2.
  const auto mask = shift_mask(14, 14, 7, 3, torch::kFloat64);
  REQUIRE(mask.sizes() == at::IntArrayRef({4, 49, 49}));
  const auto masked = (mask == -100).sum({1, 2});
  CHECK(torch::equal(masked, torch::tensor({0, 1176, 1176, 1776})));
  CHECK((mask == 0).sum().item<std::int64_t>() == 4 * 49 * 49 - 2 * 1176 - 1776);
  // One row of windows, both halves of which were apart: rows 0 and 1 lay above, 2 and 3 came
  // round.
  const auto wide = shift_mask(4, 8, 4, 2, torch::kFloat32);
  REQUIRE(wide.sizes() == at::IntArrayRef({2, 16, 16}));
  CHECK(wide[0][0][7].item<float>() == 0);     // rows 0 and 1
  CHECK(wide[0][0][8].item<float>() == -100);  // rows 0 and 2
  CHECK(wide[0][0][3].item<float>() == 0);     // columns 0 and 3 of the first window
  CHECK(wide[1][0][3].item<float>() == -100);  // of the second, where columns came round
}

TEST_CASE("attention in a window worked out by hand", "[swinunet]") {
  // Two tokens 1 and 3 in one head of one channel, in a window of 1 x 2 as far as the mask goes:
  // a window of 2 x 2 whose lower two tokens are masked out.
  const torch::NoGradGuard no_grad;
  WindowAttention attention(1, 1, 2);
  attention.to(torch::kFloat64);
  const auto parameters = attention.named_parameters();
  parameters["qkv.weight"].copy_(torch::tensor({{1.0}, {2.0}, {5.0}}));
  parameters["qkv.bias"].copy_(torch::tensor({0.0, 0.0, 1.0}));
  parameters["proj.weight"].fill_(2.0);
  parameters["proj.bias"].fill_(0.5);
  // The key right of the query is at offset -1: row (0 + 1) * 3 + (-1 + 1) = 3.
  attention.relative_position_bias_table[3][0] = 0.7;
  const auto windows = torch::tensor({1.0, 3.0, 4.0, 9.0}, torch::kFloat64).view({1, 4, 1});
  auto mask = torch::zeros({1, 4, 4}, torch::kFloat64);
  mask.slice(2, 2) = -1e9;
  const auto out = attention.forward(windows, mask).flatten();
  // Query 1: scores 1 * 2 = 2 and 1 * 6 + 0.7; values 6 and 16; then 2 v + 0.5.
  const auto right = 1 / (1 + std::exp(2 - 6.7));
  CHECK(out[0].item<double>() == Approx(2 * (6 * (1 - right) + 16 * right) + 0.5).epsilon(1e-12));
  // Query 3 has its left neighbour at offset +1, whose bias is 0: scores 6 and 18.
  const auto self = 1 / (1 + std::exp(6 - 18));
  CHECK(out[1].item<double>() == Approx(2 * (6 * (1 - self) + 16 * self) + 0.5).epsilon(1e-12));
}

TEST_CASE("window attention has the gradient of its formula", "[swinunet][gradient]") {
  torch::manual_seed(2);
  WindowAttention attention(4, 2, 2);
  attention.to(torch::kFloat64);
  const auto weight = torch::randn({8, 4, 4}, torch::kFloat64);
  const auto mask = shift_mask(4, 4, 2, 1, torch::kFloat64);
  const auto loss = [&](const at::Tensor& windows) {
    return (attention.forward(windows, mask) * weight).sum();
  };
  CHECK(testing::gradient_gap(loss, torch::randn({8, 4, 4}, torch::kFloat64)) < 1e-7);
}

TEST_CASE("the four tokens of a cell are merged column by column", "[swinunet]") {
  const torch::NoGradGuard no_grad;
  PatchMerging merging(1);
  merging.to(torch::kFloat64);
  const auto parameters = merging.named_parameters();
  parameters["reduction.weight"].copy_(torch::tensor({{1.0, 0.0, 0.0, 0.0}, {0.0, 1.0, 0.0, 0.0}}));
  // Cell (0, 0): 0, 8 below it, 1 to the right, 9. Mean 4.5, variance (4.5^2 + 3.5^2) / 2 = 16.25.
  const auto map = torch::arange(32).view({1, 4, 8, 1}).to(torch::kFloat64);
  const auto out = merging.forward(map);
  REQUIRE(out.sizes() == at::IntArrayRef({1, 2, 4, 2}));
  const auto deviation = std::sqrt(16.25 + 1e-5);
  CHECK(out[0][0][0][0].item<double>() == Approx(-4.5 / deviation).epsilon(1e-12));
  CHECK(out[0][0][0][1].item<double>() == Approx(3.5 / deviation).epsilon(1e-12));
}

TEST_CASE("expansion deals channels out row by row", "[swinunet]") {
  const torch::NoGradGuard no_grad;
  PatchExpand expand(1, 2, 2);
  expand.to(torch::kFloat64);
  // Cells (0,0), (0,1), (1,0), (1,1) get (1, 0), (0, 1), (0, 2), (3, 0) times the token. LayerNorm
  // of two values leaves their order: (1, -1) or (-1, 1).
  expand.named_parameters()["expand.weight"].copy_(
      torch::tensor({1.0, 0.0, 0.0, 1.0, 0.0, 2.0, 3.0, 0.0}).view({8, 1}));
  const auto out = expand.forward(torch::full({1, 1, 1, 1}, 1e4, torch::kFloat64));
  REQUIRE(out.sizes() == at::IntArrayRef({1, 2, 2, 2}));
  const auto wanted = torch::tensor({1.0, -1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0}, torch::kFloat64)
                          .view({1, 2, 2, 2});
  CHECK(testing::max_gap(out, wanted) < 1e-9);
}

TEST_CASE("a block takes maps that its windows do not fit", "[swinunet]") {
  torch::manual_seed(4);
  Block block({8, 2, 4, 2.0}, true, 0);
  block.eval();
  const auto map = torch::randn({2, 5, 9, 8});
  const auto out = block.forward(map);
  CHECK(out.sizes() == map.sizes());
  // Windows of a grid filled up to 8 x 12, rolled by 2: the token at (2, 2) shares its window with
  // rows and columns 2 to 5 and with no other.
  auto moved = map.clone();
  const auto one = moved.select(3, 0);  // of eight channels: LayerNorm takes off what all share
  one.slice(1, 0, 2) += 1;
  one.slice(2, 0, 2) += 1;
  one.slice(2, 6) += 1;
  const auto others = block.forward(moved);
  CHECK(testing::max_gap(others.slice(1, 2).slice(2, 2, 6), out.slice(1, 2).slice(2, 2, 6)) < 1e-5);
  one[0][3][3] += 1;
  CHECK(testing::max_gap(block.forward(moved)[0][2][2], out[0][2][2]) > 1e-3);
  // The mask follows the size.
  CHECK(block.forward(torch::randn({1, 13, 6, 8})).size(1) == 13);
  CHECK(testing::max_gap(block.forward(map), out) == 0);
}
