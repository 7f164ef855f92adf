#include "support/catch.h"
#include "support/numeric.h"

#include "covector/losses/masked_mean.h"
#include "covector/losses/restoration.h"

#include <torch/types.h>

#include <cmath>

namespace covector::losses {
namespace {

using testing::gradient_gap;

at::Tensor four(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64).view({1, 1, 2, 2});
}

double value(const at::Tensor& scalar) {
  return scalar.item<double>();
}

at::Tensor diagonal() {
  return four({1, 0, 0, 1}).to(torch::kBool);
}

// 4 x 4 ramp in sixteenths; off by 0.1, inside the middle four by 0.2, -0.2, 0.3, -0.1.
struct Restored {
  at::Tensor clean = torch::arange(16, torch::kFloat64).view({1, 1, 4, 4}) / 16;
  at::Tensor mask = torch::zeros({1, 1, 4, 4}, torch::kBool);
  at::Tensor image = clean + 0.1;

  Restored() {
    const auto middle = [](const at::Tensor& x) { return x[0][0].slice(0, 1, 3).slice(1, 1, 3); };
    middle(mask).fill_(true);
    middle(image).copy_(middle(clean) + four({0.2, -0.2, 0.3, -0.1})[0][0]);
  }
};

TEST_CASE("errors of a denoised image worked out by hand", "[losses][restoration]") {
  const auto clean = four({0.2, 0.4, 0.6, 0.8});
  const auto noisy = clean + four({0.10, -0.10, 0.05, -0.20});
  CHECK(value(squared_error(noisy, clean).mean()) == Approx(0.015625).epsilon(1e-12));
  CHECK(value(absolute_error(noisy, clean).mean()) == Approx(0.1125).epsilon(1e-12));
  CHECK(value(psnr(squared_error(noisy, clean).mean())) == Approx(18.061800).margin(5e-7));

  const auto restored = four({0.25, 0.38, 0.60, 0.70});
  const auto error = squared_error(restored, clean);
  CHECK(value(error.mean()) == Approx(0.003225).epsilon(1e-12));
  CHECK(value(absolute_error(restored, clean).mean()) == Approx(0.0425).epsilon(1e-12));
  CHECK(value(psnr(error.mean())) == Approx(24.914703).margin(5e-7));
  CHECK(value(masked_mean(error, diagonal())) == Approx(0.00625).epsilon(1e-12));
  CHECK(value(masked_mean(error, diagonal().logical_not())) == Approx(0.0002).epsilon(1e-12));
  CHECK(value(emphasised_mean(error, diagonal(), 1, 0.5)) == Approx(0.003175).epsilon(1e-12));
  CHECK(value(emphasised_mean(error, diagonal(), 1, 1)) == Approx(value(error.mean())));

  CHECK(value(cross_entropy_error(restored.logit(), clean).mean()) ==
        Approx(0.595101).margin(5e-7));
  CHECK(value(cross_entropy_error(clean.logit(), clean).mean()) == Approx(0.586707).margin(5e-7));
}

TEST_CASE("errors of an in-painted image worked out by hand", "[losses][restoration]") {
  const Restored r;
  const auto error = squared_error(r.image, r.clean);
  CHECK(value(masked_mean(error, r.mask)) == Approx(0.045).epsilon(1e-12));
  CHECK(value(emphasised_mean(error, r.mask, 1, 0)) == Approx(0.01125).epsilon(1e-12));
  CHECK(value(error.mean()) == Approx(0.01875).epsilon(1e-12));
  CHECK(value(masked_mean(error, r.mask.logical_not())) == Approx(0.01).epsilon(1e-12));
  CHECK(value(emphasised_mean(error, r.mask, 1, 10)) == Approx(0.08625).epsilon(1e-12));
  CHECK(value(masked_mean(absolute_error(r.image, r.clean), r.mask)) == Approx(0.2).epsilon(1e-12));
}

TEST_CASE("errors of several channels are their mean", "[losses][restoration]") {
  const auto clean = torch::zeros({1, 2, 1, 1}, torch::kFloat64);
  const auto restored = torch::tensor({1.0, 3.0}, torch::kFloat64).view({1, 2, 1, 1});
  CHECK(squared_error(restored, clean).sizes() == at::IntArrayRef({1, 1, 1, 1}));
  CHECK(value(squared_error(restored, clean)) == 5.0);
  CHECK(value(absolute_error(restored, clean)) == 2.0);
}

TEST_CASE("errors have the gradients of their formulas", "[losses][gradient]") {
  torch::manual_seed(3);
  const auto clean = torch::rand({2, 2, 3, 2}, torch::kFloat64);
  const auto restored = torch::randn_like(clean);
  const auto mask = torch::rand({2, 1, 3, 2}) > 0.4;
  CHECK(gradient_gap([&](const at::Tensor& y) { return squared_error(y, clean).mean(); },
                     restored) < 1e-7);
  CHECK(gradient_gap([&](const at::Tensor& y) { return absolute_error(y, clean).mean(); },
                     restored) < 1e-7);
  CHECK(gradient_gap([&](const at::Tensor& y) { return cross_entropy_error(y, clean).mean(); },
                     restored) < 1e-7);
  CHECK(gradient_gap(
            [&](const at::Tensor& y) {
              return emphasised_mean(squared_error(y, clean), mask, 2, 0.3);
            },
            restored) < 1e-7);
}

TEST_CASE("errors of half precision are summed in single", "[losses][restoration]") {
  const auto clean = torch::full({1, 1, 64, 64}, 0.5, torch::kBFloat16);
  const auto error = squared_error(clean + 0.125, clean);
  CHECK(error.scalar_type() == torch::kFloat32);
  CHECK(value(error.mean()) == Approx(0.015625).epsilon(1e-6));
  CHECK(cross_entropy_error(clean, clean).scalar_type() == torch::kFloat32);
}

TEST_CASE("errors say which shape is wrong", "[losses][errors]") {
  const auto clean = torch::zeros({2, 1, 3, 3});
  const auto other = torch::zeros({2, 1, 3, 4});
  CHECK_THROWS_WITH(squared_error(other, clean),
                    "restored image: expected [2, 1, 3, 3], got [2, 1, 3, 4]");
  CHECK_THROWS_WITH(absolute_error(other, clean),
                    "restored image: expected [2, 1, 3, 3], got [2, 1, 3, 4]");
  CHECK_THROWS_WITH(cross_entropy_error(other, clean),
                    "logits: expected [2, 1, 3, 3], got [2, 1, 3, 4]");
  CHECK_THROWS_WITH(emphasised_mean(clean, other.to(torch::kBool), 1, 1),
                    "mask: expected [2, 1, 3, 3], got [2, 1, 3, 4]");
}

}  // namespace
}  // namespace covector::losses
