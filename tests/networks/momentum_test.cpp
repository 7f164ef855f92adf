#include "support/catch.h"
#include "support/numeric.h"

#include "covector/networks/heads.h"
#include "covector/networks/momentum.h"

#include <torch/types.h>

using namespace covector::networks;
using covector::testing::max_gap;

namespace {

// A network with one weight.
struct Scalar final : torch::nn::Module {
  explicit Scalar(double value, torch::Dtype dtype = torch::kFloat64) {
    weight = register_parameter("weight", torch::full({1}, value, dtype));
    statistic = register_buffer("statistic", torch::full({1}, value, dtype));
  }
  void set(double value) {
    const torch::NoGradGuard no_grad;
    weight.fill_(value);
  }
  double value() const { return weight.item<double>(); }

  at::Tensor weight;
  at::Tensor statistic;
};

}  // namespace

TEST_CASE("a moving average worked out by hand", "[momentum]") {
  // MoCo: key 2, query 1, m 0.999.
  Scalar copy(2);
  follow(Scalar(1), copy, 0.999);
  CHECK(copy.value() == Approx(1.999).epsilon(1e-12));
  CHECK(copy.statistic.item<double>() == 2);

  // 0.996^3
  Scalar down(1);
  for (int i = 0; i < 3; ++i) follow(Scalar(0), down, 0.996);
  CHECK(down.value() == Approx(0.988047936).epsilon(1e-12));

  // 0.99 + 0.009 = 0.999; 0.98901 + 0.007 = 0.99601; 0.9860499 + 0.004
  Scalar chased(1);
  for (const auto target : {0.9, 0.7, 0.4}) follow(Scalar(target), chased, 0.99);
  CHECK(chased.value() == Approx(0.9900499).epsilon(1e-12));
}

TEST_CASE("moving before the copy is used or after the step gives the same targets", "[momentum]") {
  const std::vector<double> changes{-0.3, 0.2, -0.5, 0.1, 0.4};
  const std::vector<double> wanted{1, 0.97, 0.963, 0.9067, 0.86603};
  const bool before = GENERATE(true, false);
  Scalar online(1);
  Scalar copy(1);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (before) follow(online, copy, 0.9);
    CHECK(copy.value() == Approx(wanted[i]).epsilon(1e-12));
    online.set(online.value() + changes[i]);
    if (!before) follow(online, copy, 0.9);
  }
}

TEST_CASE("a momentum of 0.999 never moves bfloat16", "[momentum]") {
  // Why copies are float32: 1 and 1.05 differ by 5e-5 a step, bfloat16 near 1 by 4e-3.
  Scalar copy(1, torch::kBFloat16);
  follow(Scalar(1.05, torch::kBFloat16), copy, 0.999);
  CHECK(copy.value() == 1);
  Scalar full(1, torch::kFloat32);
  follow(Scalar(1.05, torch::kFloat32), full, 0.999);
  CHECK(full.value() == Approx(1.00005));
}

TEST_CASE("the cosine momentum at quarters of a run", "[momentum]") {
  constexpr std::int64_t kTotal = 200000;
  const std::vector<double> slow{0.996, 0.99658579, 0.998, 0.99941421, 1};
  const std::vector<double> fast{0.99, 0.99146447, 0.995, 0.99853553, 1};
  for (std::int64_t quarter = 0; quarter <= 4; ++quarter) {
    const auto step = quarter * kTotal / 4;
    CHECK(cosine_momentum(0.996, step, kTotal) == Approx(slow[quarter]).margin(5e-9));
    CHECK(cosine_momentum(0.99, step, kTotal) == Approx(fast[quarter]).margin(5e-9));
  }
}

TEST_CASE("a momentum copy starts as the network is, without gradient", "[momentum]") {
  Head online(3, {{.width = 4, .norm = HeadLayer::Norm::affine}}, HeadNorm::batch);
  online.forward(torch::randn({5, 3}));  // moves the running statistics
  const auto copy = momentum_copy(online);
  const auto mine = online.named_parameters();
  for (const auto& item : copy->named_parameters()) {
    CHECK(torch::equal(item.value(), mine[item.key()]));
    CHECK_FALSE(item.value().is_alias_of(mine[item.key()]));
    CHECK_FALSE(item.value().requires_grad());
    CHECK(mine[item.key()].requires_grad());
  }
  CHECK(torch::equal(copy->named_buffers()["norm0.running_mean"],
                     online.named_buffers()["norm0.running_mean"]));
}

TEST_CASE("a moving average leaves the network and its gradient alone", "[momentum]") {
  Head online(3, {{.width = 4}});
  const auto before = online.named_parameters()["linear0.weight"].clone();
  const auto copy = online.fresh();
  follow(online, *copy, 0.5);
  CHECK(torch::equal(online.named_parameters()["linear0.weight"], before));
  CHECK_FALSE(copy->named_parameters()["linear0.weight"].grad_fn());
}

TEST_CASE("every parameter of a copy follows, in whatever shape and layout", "[momentum]") {
  // (1 - m) of the way, written out parameter by parameter.
  Head online(3, {{.width = 4, .norm = HeadLayer::Norm::affine}, {.width = 2}}, HeadNorm::batch);
  const auto copy = momentum_copy(online);
  const torch::NoGradGuard no_grad;
  torch::manual_seed(5);
  std::vector<at::Tensor> wanted;
  for (auto& parameter : copy->parameters()) parameter.set_data(torch::randn_like(parameter));
  // One whose copy lies in memory the other way round.
  auto weight = copy->named_parameters()["linear0.weight"];
  weight.set_data(weight.t().contiguous().t());
  const auto mine = online.named_parameters();
  for (const auto& item : copy->named_parameters())
    wanted.push_back(0.75 * item.value() + 0.25 * mine[item.key()]);
  follow(online, *copy, 0.75);
  const auto moved = copy->parameters();
  REQUIRE(moved.size() == 6);
  for (std::size_t i = 0; i < moved.size(); ++i) CHECK(max_gap(moved[i], wanted[i]) < 1e-6);
}

TEST_CASE("a copy without parameters has nowhere to go", "[momentum]") {
  torch::nn::Module nothing;
  torch::nn::Module copy;
  CHECK_NOTHROW(follow(nothing, copy, 0.9));
  CHECK_NOTHROW(copy_weights(nothing, copy));
}

TEST_CASE("the squared distance of two networks counts every parameter", "[momentum]") {
  const Head online(1, {{.width = 2}, {.width = 1}});
  const auto copy = momentum_copy(online);
  CHECK(squared_distance(online, *copy).item<double>() == 0);
  const torch::NoGradGuard no_grad;
  copy->named_parameters()["linear0.weight"][1].add_(3);
  copy->named_parameters()["linear1.bias"].sub_(4);
  CHECK(squared_distance(online, *copy).item<double>() == Approx(25));
}

TEST_CASE("copies of another shape are refused by name", "[momentum][errors]") {
  const Head online(3, {{.width = 4}, {.width = 2}});
  Head wider(3, {{.width = 5}, {.width = 2}});
  Head shorter(3, {{.width = 4}});
  Head longer(3, {{.width = 4}, {.width = 2}, {.width = 2}});
  CHECK_THROWS_WITH(follow(online, wider, 0.9), "the copy has no 'linear0.weight' of this shape");
  CHECK_THROWS_WITH(copy_weights(online, shorter),
                    "the copy has no 'linear1.weight' of this shape");
  CHECK_THROWS_WITH(copy_weights(online, longer), "only the copy has a 'linear2.weight'");
  CHECK_THROWS_WITH(squared_distance(online, wider),
                    "the copy has no 'linear0.weight' of this shape");
  CHECK_THROWS_AS(follow(online, wider, 0.9), std::invalid_argument);
}
