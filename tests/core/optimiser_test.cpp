#include "support/catch.h"

#include "optimiser.h"
#include "support/fill.h"
#include "support/golden.h"
#include "support/numeric.h"

using namespace covector;
using covector::testing::golden;
using covector::testing::max_gap;

namespace {

at::Tensor parameter(std::vector<double> values) {
  return torch::tensor(values, torch::kFloat64).set_requires_grad(true);
}

void set_gradient(at::Tensor& parameter, std::vector<double> values) {
  parameter.mutable_grad() = torch::tensor(values, torch::kFloat64);
}

std::shared_ptr<Optimiser> sgd(OptionTable options, const std::vector<at::Tensor>& parameters) {
  options.set("type", "sgd");
  return optimisers().create(options, "optimiser", parameters);
}

}  // namespace

TEST_CASE("Adam takes PyTorch's three steps", "[optimiser][golden]") {
  const auto wanted = golden("heads_losses.json").at("adam");
  const auto key = covector::testing::fnv1a("adam");
  auto w = covector::testing::tensor_of({6}, [&](std::int64_t i) {
             return covector::testing::hash_value(key, i);
           }).set_requires_grad(true);
  const auto adam = optimisers().create({{"type", "adam"}, {"lr", 1e-4}}, "optimiser", {w});
  CHECK(adam->base_rate() == 1e-4);
  for (const auto& after : wanted.at("w_after_steps_1_2_3")) {
    (w - 0.3).pow(4).sum().backward();
    adam->step(1e-4);
    // the file gives 15 decimals; the running means of float64 parameters are float64
    CHECK(max_gap(w, torch::tensor(after.get<std::vector<double>>(), torch::kFloat64)) < 2e-15);
  }
  CHECK_FALSE(w.grad().defined());
}

TEST_CASE("Adam with L2 weight decay, one step by hand", "[optimiser]") {
  // g = 1 + 0.1 * 2 = 1.2; m = 0.1 * 1.2, v = 0.001 * 1.44; bias-corrected 1.2 and 1.44
  // w = 2 - 0.5 * 1.2 / (1.2 + eps) = 1.5 for any gradient; with eps = 0.3: 2 - 0.5 * 1.2 / 1.5
  auto w = parameter({2.0});
  const auto adam = optimisers().create(
      {{"type", "adam"}, {"lr", 0.5}, {"weight_decay", 0.1}, {"eps", 0.3}}, "optimiser", {w});
  set_gradient(w, {1.0});
  adam->step(0.5);
  CHECK(w.item<double>() == Approx(1.6).epsilon(1e-12));
}

TEST_CASE("SGD with momentum by hand", "[optimiser]") {
  // v: 1, 0.5 * 1 + 2 = 2.5; w: 10 - 0.1 * 1 = 9.9, 9.9 - 0.1 * 2.5 = 9.65
  auto w = parameter({10.0});
  const auto optimiser = sgd({{"momentum", 0.5}}, {w});
  set_gradient(w, {1.0});
  optimiser->step(0.1);
  CHECK(w.item<double>() == Approx(9.9).epsilon(1e-14));
  set_gradient(w, {2.0});
  optimiser->step(0.1);
  CHECK(w.item<double>() == Approx(9.65).epsilon(1e-14));
}

TEST_CASE("SGD with Nesterov momentum and weight decay by hand", "[optimiser]") {
  // step 1: g = 1 + 0.2 * 10 = 3, v = 3, d = 3 + 0.5 * 3 = 4.5, w = 10 - 0.45 = 9.55
  // step 2: g = 2 + 0.2 * 9.55 = 3.91, v = 1.5 + 3.91 = 5.41, d = 3.91 + 2.705, w = 9.55 - 0.6615
  auto w = parameter({10.0});
  const auto optimiser = sgd({{"momentum", 0.5}, {"nesterov", true}, {"weight_decay", 0.2}}, {w});
  set_gradient(w, {1.0});
  optimiser->step(0.1);
  CHECK(w.item<double>() == Approx(9.55).epsilon(1e-14));
  set_gradient(w, {2.0});
  optimiser->step(0.1);
  CHECK(w.item<double>() == Approx(8.8885).epsilon(1e-14));
}

TEST_CASE("SGD without momentum keeps no state", "[optimiser]") {
  auto w = parameter({1.0, 2.0});
  const auto optimiser = sgd({{"momentum", 0.0}}, {w});
  set_gradient(w, {1.0, -1.0});
  optimiser->step(0.25);
  CHECK(max_gap(w, torch::tensor({0.75, 2.25}, torch::kFloat64)) == 0);
  CHECK(optimiser->state().empty());
}

TEST_CASE("a parameter without a gradient is left alone, its counters too", "[optimiser]") {
  auto with = parameter({1.0});
  auto without = parameter({1.0});
  const auto adam = optimisers().create({{"type", "adam"}}, "optimiser", {with, without});
  set_gradient(with, {1.0});
  adam->step(0.1);
  CHECK(with.item<double>() != 1.0);
  CHECK(without.item<double>() == 1.0);
  const auto state = adam->state();  // means, squares, counters
  CHECK(state.at(4).item<double>() == 1.0);
  CHECK(state.at(5).item<double>() == 0.0);
}

TEST_CASE("gradients are clipped by their global norm", "[optimiser]") {
  // norm of (3, 4) and (12) is 13; at 6.5 all are halved (but for 1e-6 in the denominator)
  auto a = parameter({0.0, 0.0});
  auto b = parameter({0.0});
  const auto optimiser = sgd({{"momentum", 0.0}, {"clip_norm", 6.5}}, {a, b});
  set_gradient(a, {3.0, 4.0});
  set_gradient(b, {12.0});
  CHECK(optimiser->step(1.0).item<double>() == Approx(13.0).epsilon(1e-14));
  CHECK(max_gap(a, torch::tensor({-1.5, -2.0}, torch::kFloat64)) < 1e-6);
  CHECK(b.item<double>() == Approx(-6.0).epsilon(1e-6));
  // below the bound they stay exactly as they are
  set_gradient(a, {0.3, 0.4});
  const auto before = a.detach().clone();
  CHECK(optimiser->step(1.0).item<double>() == Approx(0.5).epsilon(1e-14));
  CHECK(max_gap(before - a.detach(), torch::tensor({0.3, 0.4}, torch::kFloat64)) < 1e-15);
}

TEST_CASE("wrong optimiser options are refused", "[optimiser][errors]") {
  CHECK_THROWS_WITH(sgd({{"momentum", 0.0}, {"nesterov", true}}, {}),
                    "[optimiser] is not valid:\n"
                    "  (default): 'nesterov' needs a 'momentum' above 0");
  CHECK_THROWS_WITH(
      optimisers().create({{"type", "adam"}, {"betas", OptionArray{0.9, 1.0}}}, "optimiser", {}),
      "[optimiser] is not valid:\n"
      "  (default): 'betas' must be two numbers from 0 to below 1");
  CHECK_THROWS_WITH(optimisers().create({{"type", "adan"}}, "optimiser", {}),
                    "[optimiser] is not valid:\n"
                    "  (default): unknown optimiser 'adan'; did you mean 'adam'?");
}
