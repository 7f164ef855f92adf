#include "support/catch.h"
#include "support/numeric.h"

#include "covector/losses/contrast.h"
#include "semantic.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <set>

/// Numbers P1 to P3 are worked out in float64; the codes equal those of SwAV's code.
namespace covector::dsc_pm {
namespace {

using testing::gradient_gap;
using testing::max_gap;

constexpr double kPrinted = 6e-7;  // half of the last digit, and a little

at::Tensor rows(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64).view({1, -1, 2});
}

const auto kAll = torch::ones({1, 4}, torch::kBool);
const auto kFirst = rows({0.9, 0.1, 0.8, 0.3, 0.2, 0.7, 0.6, 0.5});
const auto kSecond = rows({0.7, 0.2, 0.5, 0.4, 0.1, 0.9, 0.3, 0.6});

TEST_CASE("P1: codes share the cells out among the categories", "[dsc_pm]") {
  CHECK(max_gap(codes_of(kFirst, kAll, 0.05, 3), rows({0.999992, 0.000008, 0.996627, 0.003373,
                                                       0.000001, 0.999999, 0.090188, 0.909812})) <
        kPrinted);
  CHECK(max_gap(codes_of(kSecond, kAll, 0.05, 3), rows({0.999999, 0.000001, 0.996876, 0.003124,
                                                        0.000005, 0.999995, 0.096694, 0.903306})) <
        kPrinted);
}

TEST_CASE("codes are worked out over the cells of the batch that count", "[dsc_pm]") {
  // The four cells of P1 among two of each view that do not count.
  const auto far = rows({5, -3, -7, 2});
  const auto scores = torch::cat(
      {torch::cat({kFirst.narrow(1, 0, 2), far}, 1), torch::cat({far, kFirst.narrow(1, 2, 2)}, 1)});
  const auto counted =
      torch::tensor({1, 1, 0, 0, 0, 0, 1, 1}, torch::kInt64).to(torch::kBool).view({2, 4});
  const auto codes = codes_of(scores, counted, 0.05, 3);
  const auto wanted = codes_of(kFirst, kAll, 0.05, 3);
  CHECK(max_gap(codes[0].narrow(0, 0, 2), wanted[0].narrow(0, 0, 2)) < 1e-12);
  CHECK(max_gap(codes[1].narrow(0, 2, 2), wanted[0].narrow(0, 2, 2)) < 1e-12);
  CHECK(codes.masked_select(counted.logical_not().unsqueeze(2)).abs().max().item<double>() == 0.0);
}

TEST_CASE("P2: each view predicts the other's codes", "[dsc_pm]") {
  const auto first_codes = codes_of(kFirst, kAll, 0.05, 3);
  const auto second_codes = codes_of(kSecond, kAll, 0.05, 3);
  const auto one = predicted_code_loss(first_codes, kSecond, kAll, 0.1).item<double>();
  const auto two = predicted_code_loss(second_codes, kFirst, kAll, 0.1).item<double>();
  CHECK(one == Approx(0.160721).margin(kPrinted));
  CHECK(two == Approx(0.311497).margin(kPrinted));
  CHECK((one + two) / 2 == Approx(0.236109).margin(kPrinted));
  for (const auto& codes : {first_codes, second_codes})
    CHECK(torch::equal(codes.argmax(2).flatten(), torch::tensor({0, 0, 1, 1})));
}

TEST_CASE("the loss of predicted codes by hand, over the cells that count", "[dsc_pm]") {
  const auto codes = rows({1, 0, 0.25, 0.75, 0, 1});
  const auto scores = rows({0, 0, 0.1, 0, 3, 1});
  const auto counted = torch::tensor({true, true, false}).view({1, 3});
  const auto zero = -std::log(0.5);
  const auto large = std::exp(1.0) / (std::exp(1.0) + 1);
  const auto one = -(0.25 * std::log(large) + 0.75 * std::log(1 - large));
  CHECK(predicted_code_loss(codes, scores, counted, 0.1).item<double>() ==
        Approx((zero + one) / 2).epsilon(1e-12));
  auto moved = scores.clone().requires_grad_();
  const auto none = predicted_code_loss(codes, moved, torch::zeros_like(counted), 0.1);
  none.backward();
  CHECK(none.item<double>() == 0.0);
  CHECK(moved.grad().abs().max().item<double>() == 0.0);
}

TEST_CASE("P3: cells of one category attract each other", "[dsc_pm]") {
  const auto r = rows({1, 0, 0.6, 0.8, 0, 1, 0.8, -0.6})[0];
  const auto t = rows({0.6, 0.8, 0.8, 0.6, 0, 1, 1, 0})[0];
  const auto labels = torch::tensor({0, 0, 1, 1});
  const auto one = [&](std::int64_t i) {
    return losses::label_contrast(r.narrow(0, i, 1), labels.narrow(0, i, 1), t, labels, 0.2)
        .item<double>();
  };
  CHECK(one(0) == Approx(1.912078).margin(kPrinted));
  CHECK(one(1) == Approx(0.942405).margin(kPrinted));
  CHECK(one(2) == Approx(2.912078).margin(kPrinted));
  CHECK(one(3) == Approx(3.589385).margin(kPrinted));
  CHECK(losses::label_contrast(r, labels, t, labels, 0.2).item<double>() ==
        Approx(2.338987).margin(kPrinted));
}

TEST_CASE("predicting codes has the gradient of its formula, and none in the codes",
          "[dsc_pm][gradient]") {
  torch::manual_seed(4);
  const auto counted = torch::rand({2, 5}) > 0.3;
  auto codes = torch::rand({2, 5, 3}, torch::kFloat64).softmax(2).requires_grad_();
  const auto scores = torch::randn({2, 5, 3}, torch::kFloat64);
  CHECK(
      gradient_gap([&](const at::Tensor& s) { return predicted_code_loss(codes, s, counted, 0.1); },
                   scores) < 1e-7);
  CHECK_FALSE(codes.grad().defined());
  CHECK_FALSE(codes_of(scores.clone().requires_grad_(), counted, 0.05, 3).requires_grad());
}

TEST_CASE("prototypes are unit rows that give cosines", "[dsc_pm]") {
  torch::manual_seed(6);
  Prototypes prototypes(5, 3);
  prototypes.to(torch::kFloat64);
  auto weight = prototypes.named_parameters()["weight"];
  CHECK(max_gap(weight.detach().norm(2, 1), torch::ones({5})) < 1e-6);
  {
    const torch::NoGradGuard no_grad;
    weight.mul_(3).add_(0.1);
  }
  const auto before = weight.detach().clone();
  prototypes.renormalise();
  CHECK(max_gap(weight.detach(), before / before.norm(2, 1, true)) < 1e-12);
  CHECK(weight.requires_grad());

  const auto row = losses::unit(torch::randn({1, 2, 3}, torch::kFloat64), 2);
  const auto scores = prototypes.scores(row, false);
  CHECK(scores.sizes() == at::IntArrayRef({1, 2, 5}));
  CHECK(scores[0][1][4].item<double>() ==
        Approx(row[0][1].dot(weight[4]).item<double>()).epsilon(1e-12));
  CHECK(scores.requires_grad());
  CHECK_FALSE(prototypes.scores(row, true).requires_grad());
}

TEST_CASE("foreground cells are as bright as the threshold", "[dsc_pm]") {
  // 2 x 2 cells of 2 x 3 pixels, means 0.05, 0.04, 0, 1.
  auto image = torch::zeros({1, 1, 4, 6}, torch::kFloat64);
  image.narrow(2, 0, 2).narrow(3, 0, 3).fill_(0.0625);
  image[0][0][0][3] = 0.24;
  image.narrow(2, 2, 2).narrow(3, 3, 3).fill_(1.0);
  const auto wanted = torch::tensor({true, false, false, true}).view({1, 4});
  CHECK(torch::equal(foreground(image, 2, 0.0625), wanted));
  // Channels count together.
  const auto two = torch::cat({image, torch::zeros_like(image)}, 1);
  CHECK(torch::equal(foreground(two, 2, 0.0625),
                     torch::tensor({false, false, false, true}).view({1, 4})));
  CHECK(foreground(torch::rand({2, 1, 4, 6, 8}), 2, 0.1).sizes() == at::IntArrayRef({2, 8}));
}

TEST_CASE("cells are drawn among those that count, without repetition", "[dsc_pm]") {
  torch::manual_seed(8);
  auto counted = torch::zeros({2, 10}, torch::kBool);
  counted[0].slice(0, 2, 8) = true;
  counted[1].slice(0, 0, 2) = true;
  std::set<std::int64_t> seen;
  for (int repeat = 0; repeat < 50; ++repeat) {
    const auto places = draw_cells(counted, 4);
    REQUIRE(places.sizes() == at::IntArrayRef({2, 4}));
    std::set<std::int64_t> first;
    for (int i = 0; i < 4; ++i) first.insert(places[0][i].item<std::int64_t>());
    CHECK(first.size() == 4);
    CHECK(*first.begin() >= 2);
    CHECK(*first.rbegin() < 8);
    seen.insert(first.begin(), first.end());
    // Too few count: all of them come first.
    CHECK(places[1].slice(0, 0, 2).sum().item<std::int64_t>() == 1);
  }
  CHECK(seen.size() == 6);
  CHECK(draw_cells(counted, 64).sizes() == at::IntArrayRef({2, 10}));
}

}  // namespace
}  // namespace covector::dsc_pm
