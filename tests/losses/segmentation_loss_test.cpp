#include "support/catch.h"
#include "support/fill.h"
#include "support/golden.h"
#include "support/numeric.h"

#include "covector/losses/segmentation_loss.h"

#include <torch/nn/functional/conv.h>
#include <torch/types.h>

#include <cmath>

using namespace covector::losses;
using namespace covector::testing;

namespace {

// Ten digits are stored.
constexpr Tolerance kTenDigits{1e-9, 1e-9};

struct GoldenCase {
  at::Tensor features, weight, bias, logits, labels;
};

GoldenCase make(const nlohmann::json& entry) {
  GoldenCase out;
  const auto shape = entry.at("logits").at("shape").get<std::vector<std::int64_t>>();
  const auto d = static_cast<std::int64_t>(shape.size()) - 2;
  const auto classes = entry.at("K").get<std::int64_t>();
  const auto kernel = entry.at("conv_kernel").get<std::int64_t>();
  auto features = shape;
  features[1] = 32;
  auto labels = shape;
  labels[1] = 1;
  std::vector<std::int64_t> weight(d + 2, kernel);
  weight[0] = classes;
  weight[1] = 32;
  const auto hash = [](const char* key, at::IntArrayRef size, auto value) {
    return tensor_of(size, [=, h = fnv1a(key)](std::int64_t i) { return value(hash_value(h, i)); });
  };
  out.features = hash("features", features, [](double v) { return 2 * v; }).requires_grad_();
  out.weight = golden_parameter("seg_head.weight", weight).requires_grad_();
  out.bias = golden_parameter("seg_head.bias", {classes}).requires_grad_();
  out.labels = hash("labels", labels, [=](double v) {
                 return std::floor((v + 1) / 2 * classes);
               }).to(torch::kInt64);
  out.logits = d == 2 ? at::conv2d(out.features, out.weight, out.bias, 1, kernel / 2)
                      : at::conv3d(out.features, out.weight, out.bias, 1, kernel / 2);
  return out;
}

at::Tensor logits_of(std::vector<double> probability, at::IntArrayRef shape) {
  return torch::tensor(probability, torch::kFloat64).log().view(shape);
}

}  // namespace

TEST_CASE("segmentation losses equal those of the published code", "[losses][golden]") {
  const auto file = golden("heads_losses.json");
  int cases = 0;
  for (const auto& entry : file.at("cases")) {
    const auto name = entry.at("name").get<std::string>();
    if (name.rfind("seg", 0) != 0) continue;
    INFO(name);
    ++cases;
    const auto c = make(entry);
    check_map(c.logits, entry.at("logits"), kTenDigits);
    const auto value = [&](const at::Tensor& loss, const char* key) {
      check_near(loss.item<double>(), entry.at(key), kTenDigits);
    };
    value(cross_entropy(c.logits, c.labels), "cross_entropy_mean");
    value(cross_entropy(c.logits, c.labels, CrossEntropyForm::gvsl),
          "cross_entropy_gvsl_form_mean_over_all_elements");
    value(dice_loss(c.logits, c.labels), "dice_loss_A_gvsl_smooth1_mean_over_b_c");
    value(dice_loss(c.logits, c.labels, DiceForm::transunet),
          "dice_loss_B_transunet_swin_smooth1e-5_batchwise");
    const auto loss = cross_entropy(c.logits, c.labels) + dice_loss(c.logits, c.labels);
    value(loss, "loss_ce_plus_dice_A");
    loss.backward();
    value(c.features.grad().norm(), "grad_features_l2");
    value(c.weight.grad().norm(), "grad_conv_weight_l2");
    const auto bias = values_of(c.bias.grad());
    for (std::size_t k = 0; k < bias.size(); ++k)
      check_near(bias[k], entry.at("grad_conv_bias").at(k), kTenDigits);
  }
  CHECK(cases == 3);
}

TEST_CASE("Dice and cross-entropy of two pixels worked out by hand", "[losses]") {
  // Pixel 0 has label 0 and p = (3/4, 1/4); pixel 1 has label 1 and p = (1/2, 1/2).
  const auto logits = logits_of({0.75, 0.5, 0.25, 0.5}, {1, 2, 1, 2});
  const auto labels = torch::tensor({0, 1}, torch::kInt64).view({1, 1, 1, 2});
  // Class 0: (2 * 3/4 + s) / (9/16 + 1/4 + 1 + s); class 1: (2 * 1/2 + s) / (1/16 + 1/4 + 1 + s).
  const auto dice = [](double s) {
    return 1 - ((1.5 + s) / (1.8125 + s) + (1 + s) / (1.3125 + s)) / 2;
  };
  CHECK(dice_loss(logits, labels).item<double>() == Approx(dice(1)).epsilon(1e-14));
  CHECK(dice_loss(logits, labels, DiceForm::transunet).item<double>() ==
        Approx(dice(1e-5)).epsilon(1e-14));
  CHECK(cross_entropy(logits, labels).item<double>() ==
        Approx(-(std::log(0.75) + std::log(0.5)) / 2).epsilon(1e-14));
  CHECK(cross_entropy(logits, labels, CrossEntropyForm::gvsl).item<double>() ==
        Approx(-(std::log(0.75 + 1e-6) + std::log(0.5 + 1e-6)) / 4).epsilon(1e-14));
}

TEST_CASE("gvsl averages over samples, transunet sums over them", "[losses]") {
  // Both pixels label 0 with p = 1 and p = 1/2, in two samples; the other class is absent.
  const auto logits = logits_of({1 - 1e-15, 1e-15, 0.5, 0.5}, {2, 2, 1, 1});
  const auto labels = torch::zeros({2, 1, 1, 1}, torch::kInt64);
  const auto each = (3.0 / 3 + 1.0 / 1 + 2.0 / 2.25 + 1.0 / 1.25) / 4;
  CHECK(dice_loss(logits, labels).item<double>() == Approx(1 - each).epsilon(1e-13));
  const auto s = 1e-5;
  const auto together = ((3 + s) / (1.25 + 2 + s) + s / (0.25 + s)) / 2;
  CHECK(dice_loss(logits, labels, DiceForm::transunet).item<double>() ==
        Approx(1 - together).epsilon(1e-13));
}

TEST_CASE("segmentation losses have the gradients of their formulas", "[losses][gradient]") {
  torch::manual_seed(9);
  for (const auto& shape : {std::vector<std::int64_t>{2, 3, 3, 4}, {2, 3, 2, 3, 2}}) {
    auto one = shape;
    one[1] = 1;
    const auto labels = torch::randint(3, one, torch::kInt64);
    const auto x = torch::randn(shape, torch::kFloat64);
    for (const auto form : {DiceForm::gvsl, DiceForm::transunet})
      CHECK(gradient_gap([&](const at::Tensor& z) { return dice_loss(z, labels, form); }, x) <
            1e-7);
    for (const auto form : {CrossEntropyForm::standard, CrossEntropyForm::gvsl})
      CHECK(gradient_gap([&](const at::Tensor& z) { return cross_entropy(z, labels, form); }, x) <
            1e-7);
  }
}

TEST_CASE("segmentation losses of bfloat16 logits are float32", "[losses]") {
  torch::manual_seed(10);
  const auto logits = torch::randn({1, 3, 40, 41}).to(torch::kBFloat16);
  const auto labels = torch::randint(3, {1, 1, 40, 41}, torch::kInt64);
  const auto wide = logits.to(torch::kFloat64);
  for (const auto form : {DiceForm::gvsl, DiceForm::transunet}) {
    const auto loss = dice_loss(logits, labels, form);
    CHECK(loss.scalar_type() == torch::kFloat32);
    CHECK(loss.item<double>() ==
          Approx(dice_loss(wide, labels, form).item<double>()).epsilon(1e-6));
  }
  const auto loss = cross_entropy(logits, labels);
  CHECK(loss.scalar_type() == torch::kFloat32);
  CHECK(loss.item<double>() == Approx(cross_entropy(wide, labels).item<double>()).epsilon(1e-6));
}

TEST_CASE("segmentation losses say what is wrong", "[losses][errors]") {
  const auto logits = torch::zeros({1, 3, 2, 2});
  const auto labels = torch::zeros({1, 1, 2, 2}, torch::kInt64);
  CHECK_THROWS_WITH(dice_loss(logits, labels.squeeze(1)),
                    "labels: expected [1, 1, 2, 2], got [1, 2, 2]");
  CHECK_THROWS_WITH(cross_entropy(logits, labels.repeat({1, 1, 1, 2})),
                    "labels: expected [1, 1, 2, 2], got [1, 1, 2, 4]");
  CHECK_THROWS_WITH(dice_loss(logits, labels + 3), "labels: expected values 0 .. 2, got 3");
  CHECK_THROWS_WITH(cross_entropy(logits, labels - 1), "labels: expected values 0 .. 2, got -1");
}
