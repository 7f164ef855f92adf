#include "support/catch.h"

#include "covector/networks/inference.h"
#include "covector/networks/standardise.h"
#include "support/numeric.h"

#include <torch/types.h>

#include <cmath>

using namespace covector::networks;
using covector::testing::max_gap;

TEST_CASE("channels have mean 0 and deviation 1 over all that was seen", "[networks]") {
  // 1 .. 8 in two parts: mean 4.5, variance (8^2 - 1) / 12 = 5.25; a channel of 5 is constant.
  ChannelStatistics seen;
  CHECK(seen.empty());
  for (const auto first : {1.0, 5.0}) {
    const auto x = torch::arange(first, first + 4, torch::kFloat64).view({1, 1, 2, 2});
    seen.add(torch::cat({x, torch::full_like(x, 5)}, 1));
  }
  CHECK(max_gap(seen.mean(), torch::tensor({4.5, 5.0}, torch::kFloat64)) < 1e-14);
  CHECK(max_gap(seen.deviation(), torch::tensor({std::sqrt(5.25), 1.0}, torch::kFloat64)) < 1e-14);
  const auto rows = torch::tensor({{8.0, 5.0}}, torch::kFloat64);
  CHECK(max_gap(standardised(rows, seen.mean(), seen.deviation()),
                torch::tensor({{3.5 / std::sqrt(5.25), 0.0}}, torch::kFloat64)) < 1e-14);
  // Rows and voxels are the same thing.
  ChannelStatistics by_row;
  by_row.add(torch::tensor({{1.0}, {3.0}}, torch::kFloat64));
  CHECK(by_row.mean().item<double>() == 2.0);
  CHECK(by_row.deviation().item<double>() == 1.0);
  CHECK_THROWS_WITH(ChannelStatistics().mean(), "no features were seen");
}

TEST_CASE("inference leaves a module as it was found", "[networks]") {
  torch::nn::Module module;
  {
    const Inference inference(module);
    CHECK_FALSE(module.is_training());
    CHECK_FALSE(at::GradMode::is_enabled());
  }
  CHECK(module.is_training());
  CHECK(at::GradMode::is_enabled());
  module.eval();
  { const Inference inference(module); }
  CHECK_FALSE(module.is_training());
}
