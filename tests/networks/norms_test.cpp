#include "support/catch.h"
#include "support/numeric.h"

#include "covector/networks/norms.h"

#include <torch/types.h>

using covector::networks::BatchNorm;
using covector::networks::LayerNorm;
using covector::testing::max_gap;

TEST_CASE("batch normalisation worked out by hand", "[norms]") {
  const torch::NoGradGuard no_grad;
  BatchNorm norm(2);
  norm.weight.copy_(torch::tensor({2.0, 1.0}));
  norm.bias.copy_(torch::tensor({0.0, 5.0}));
  norm.to(torch::kFloat64);
  norm.num_batches_tracked.zero_();
  // Channel 0: 1, 3 | 5, 7 of mean 4 and variance 5, 20/3 without bias; channel 1: 0 all over.
  const auto x = torch::tensor({1.0, 3.0, 0.0, 0.0, 5.0, 7.0, 0.0, 0.0}).view({2, 2, 1, 2});
  const auto unit = 2 / std::sqrt(5 + 1e-5);
  const auto trained = torch::tensor({-3 * unit, -unit, 5.0, 5.0, unit, 3 * unit, 5.0, 5.0});
  CHECK(max_gap(norm.forward(x.to(torch::kFloat64)).flatten(), trained) < 1e-6);

  // A tenth of the batch's enters the averages, which start at 0 and 1.
  CHECK(max_gap(norm.running_mean, torch::tensor({0.4, 0.0})) < 1e-6);
  CHECK(max_gap(norm.running_var, torch::tensor({0.9 + 2.0 / 3, 0.9})) < 1e-6);
  CHECK(norm.num_batches_tracked.item<double>() == 1);

  norm.eval();
  const auto one = norm.forward(torch::full({1, 2, 1}, 0.4, torch::kFloat64)).flatten();
  CHECK(one[0].item<double>() == Approx(0).margin(1e-6));
  CHECK(one[1].item<double>() == Approx(5 + 0.4 / std::sqrt(0.9)).epsilon(1e-5));
  CHECK(norm.num_batches_tracked.item<double>() == 1);
}

TEST_CASE("batch normalisation has PyTorch's names", "[norms]") {
  const BatchNorm norm(3);
  CHECK(norm.named_parameters().keys() == std::vector<std::string>{"weight", "bias"});
  CHECK(norm.named_buffers().keys() ==
        std::vector<std::string>{"running_mean", "running_var", "num_batches_tracked"});
  CHECK(norm.num_batches_tracked.scalar_type() == torch::kInt64);
}

TEST_CASE("one value a channel has no variance", "[norms][errors]") {
  BatchNorm norm(3);
  CHECK_THROWS_WITH(norm.forward(torch::zeros({1, 3, 1, 1})),
                    "batch normalisation in training needs more than one value a channel, got "
                    "[1, 3, 1, 1]; take more samples a batch or larger images");
  CHECK(norm.num_batches_tracked.item<std::int64_t>() == 0);
  norm.eval();
  CHECK_NOTHROW(norm.forward(torch::zeros({1, 3, 1, 1})));
}

TEST_CASE("layer normalisation worked out by hand", "[norms]") {
  const torch::NoGradGuard no_grad;
  LayerNorm norm(2, 0.75);
  norm.weight.copy_(torch::tensor({2.0, 1.0}));
  norm.bias.copy_(torch::tensor({0.0, 5.0}));
  // 1, 2: mean 3/2, variance 1/4; with 3/4 added the deviation is 1. A token of equals becomes 0.
  const auto x = torch::tensor({1.0F, 2.0F, 4.0F, 4.0F}).view({1, 2, 2});
  const auto wanted = torch::tensor({-1.0F, 5.5F, 0.0F, 5.0F}).view({1, 2, 2});
  CHECK(max_gap(norm.forward(x), wanted) < 1e-6);
  CHECK(norm.named_parameters().keys() == std::vector<std::string>{"weight", "bias"});
}
