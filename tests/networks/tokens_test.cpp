#include "support/catch.h"
#include "support/numeric.h"

#include "covector/networks/tokens.h"

#include <torch/types.h>

using namespace covector::networks;
using covector::testing::gradient_gap;
using covector::testing::max_gap;

namespace {

/// x -> 2 gelu(x) + 0.5.
Mlp one_channel(double dropout) {
  Mlp mlp(1, 1, dropout);
  mlp.to(torch::kFloat64);
  const torch::NoGradGuard no_grad;
  const auto parameters = mlp.named_parameters();
  parameters["fc1.weight"].fill_(1);
  parameters["fc1.bias"].zero_();
  parameters["fc2.weight"].fill_(2);
  parameters["fc2.bias"].fill_(0.5);
  return mlp;
}

constexpr double kGeluOfOne = 0.8413447460685429;  // 1 * Phi(1), the normal distribution at 1

}  // namespace

TEST_CASE("a linear layer on tokens takes the last axis", "[tokens]") {
  const torch::NoGradGuard no_grad;
  Linear layer(2, 3);
  layer.weight.copy_(torch::tensor({{1.0, 2.0}, {0.0, 1.0}, {-1.0, 0.0}}));
  layer.bias.copy_(torch::tensor({0.0, 10.0, 0.0}));
  const auto tokens = torch::tensor({3.0, 4.0, 5.0, 6.0}).view({1, 2, 1, 2}).to(torch::kFloat32);
  const auto wanted = torch::tensor({11.0, 14.0, -3.0, 17.0, 16.0, -5.0}).to(torch::kFloat32);
  const auto out = on_tokens(layer, tokens);
  CHECK(out.sizes() == at::IntArrayRef({1, 2, 1, 3}));
  CHECK(torch::equal(out.flatten(), wanted));
}

TEST_CASE("the feed-forward part worked out by hand", "[tokens]") {
  const auto mlp = one_channel(0);
  const auto out = mlp.forward(torch::tensor({1.0, 0.0, -1.0}, torch::kFloat64).view({3, 1}));
  CHECK(out[0].item<double>() == Approx(2 * kGeluOfOne + 0.5).epsilon(1e-14));
  CHECK(out[1].item<double>() == 0.5);
  CHECK(out[2].item<double>() == Approx(2 * (kGeluOfOne - 1) + 0.5).epsilon(1e-14));
}

TEST_CASE("the feed-forward part has the gradient of its formula", "[tokens][gradient]") {
  torch::manual_seed(1);
  Mlp mlp(3, 5);
  mlp.to(torch::kFloat64);
  const auto weight = torch::randn({4, 3}, torch::kFloat64);
  CHECK(gradient_gap([&](const at::Tensor& x) { return (mlp.forward(x) * weight).sum(); },
                     torch::randn({4, 3}, torch::kFloat64)) < 1e-7);
}

TEST_CASE("dropout stands behind both layers, in training alone", "[tokens]") {
  torch::manual_seed(2);
  auto mlp = one_channel(0.5);
  const auto ones = torch::ones({4000, 1}, torch::kFloat64);
  const auto out = mlp.forward(ones);
  // Half of them 0; of the others half have lost what is inside, and are 2 * 0.5.
  const auto share = [&](double value) {
    return ((out - value).abs() < 1e-12).to(torch::kFloat64).mean().item<double>();
  };
  CHECK(share(0) == Approx(0.5).margin(0.04));
  CHECK(share(1) == Approx(0.25).margin(0.04));
  CHECK(share(2 * (2 * 2 * kGeluOfOne + 0.5)) == Approx(0.25).margin(0.04));
  mlp.eval();
  CHECK(max_gap(mlp.forward(ones), torch::full({4000, 1}, 2 * kGeluOfOne + 0.5)) < 1e-6);
}

TEST_CASE("stochastic depth leaves out whole samples and keeps the mean", "[tokens]") {
  torch::manual_seed(3);
  const auto branch = torch::ones({4000, 3, 2}, torch::kFloat64);
  const auto out = drop_path(branch, 0.25, true);
  const auto first = out.select(1, 0).select(1, 0);
  CHECK(max_gap(out, first.view({-1, 1, 1}).expand_as(out)) == 0);
  CHECK(((first == 0) | ((first - 4.0 / 3).abs() < 1e-12)).all().item<bool>());
  CHECK((first == 0).to(torch::kFloat64).mean().item<double>() == Approx(0.25).margin(0.03));
  CHECK(drop_path(branch, 0.25, false).is_same(branch));
  CHECK(drop_path(branch, 0, true).is_same(branch));
}
