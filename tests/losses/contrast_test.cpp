#include "support/catch.h"
#include "support/numeric.h"
#include "support/peak_memory.h"

#include "covector/losses/contrast.h"

#include <ATen/autocast_mode.h>
#include <torch/types.h>

#include <cmath>
#include <vector>

using namespace covector::losses;
using covector::testing::gradient_gap;
using covector::testing::max_gap;

namespace {

at::Tensor rows(const std::vector<double>& values, std::int64_t width = 2) {
  return torch::tensor(values, torch::kFloat64).view({-1, width});
}

at::Tensor numbers(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64);
}

// The sheets print six decimals.
constexpr double kPrinted = 6e-7;

at::Tensor random_unit(std::int64_t count, std::int64_t width) {
  return unit(torch::randn({count, width}, torch::kFloat64));
}

// InfoNCE by its formula, one query at a time.
double nce_of(const at::Tensor& q, const at::Tensor& k, const at::Tensor& negatives, double t) {
  const auto up = std::exp(q.dot(k).item<double>() / t);
  double down = up;
  for (std::int64_t i = 0; i < negatives.size(0); ++i)
    down += std::exp(q.dot(negatives[i]).item<double>() / t);
  return -std::log(up / down);
}

}  // namespace

TEST_CASE("unit rows keep their direction and 1e-12 guards the norm", "[losses]") {
  CHECK(max_gap(unit(rows({3, 4})), rows({0.6, 0.8})) < 1e-15);
  CHECK(max_gap(unit(rows({1e-13, 0})), rows({0.1, 0})) < 1e-15);
  CHECK(max_gap(unit(rows({3e-7, 4e-7})), rows({0.6, 0.8})) < 1e-15);
  CHECK(unit(torch::zeros({1, 2}, torch::kBFloat16)).scalar_type() == torch::kFloat32);
  // Along the channels of a map: pixels (3, 4) and (0, 2).
  const auto map = numbers({3, 0, 4, 2}).view({1, 2, 1, 2});
  CHECK(max_gap(unit(map), numbers({0.6, 0, 0.8, 1}).view({1, 2, 1, 2})) < 1e-15);
}

TEST_CASE("InfoNCE at the printed values of MoCo v2", "[losses]") {
  const auto q = rows({1, 0});
  const auto k = rows({0.6, 0.8});
  const auto negatives = rows({0, 1, -1, 0, 0.8, -0.6});
  const auto at = [&](double t) { return info_nce(q, k, negatives, t).item<double>(); };
  CHECK(at(0.07) == Approx(2.912997).margin(kPrinted));
  CHECK(at(0.2) == Approx(1.326652).margin(kPrinted));
  CHECK(at(1.0) == Approx(1.089272).margin(kPrinted));
  const auto two = info_nce(unit(rows({1, 0, 1, 1})), rows({0.6, 0.8, 0, 1}), negatives, 0.2);
  CHECK(max_gap(two, numbers({1.326652, 0.722684})) < kPrinted);
  CHECK(two.mean().item<double>() == Approx(1.024668).margin(kPrinted));
}

TEST_CASE("InfoNCE at the printed values of VADeR and DenseCL", "[losses]") {
  const auto q = rows({1, 0, 0, 0, 0.6, 0.8}, 3);
  const auto k = rows({0.6, 0.8, 0, 0, 1, 0}, 3);
  const auto negatives = rows({0, 1, 0, 0, 0, 1, 0.8, 0, 0.6}, 3);
  const auto loss = info_nce(q, k, negatives, 0.07);
  CHECK(max_gap(loss, numbers({2.913007, 2.975111})) < kPrinted);
  CHECK(loss.mean().item<double>() == Approx(2.944059).margin(kPrinted));
  // V3: raw rows, made unit first.
  const auto raw = rows({3, 4});
  CHECK(cosine_to(raw, rows({1, 1})).item<double>() == Approx(0.989949).margin(kPrinted));
  CHECK(info_nce(unit(raw), unit(rows({1, 1})), rows({1, 0, 0, 1}), 0.07).item<double>() ==
        Approx(0.067759).margin(kPrinted));
  // D2 with the matches of D1, and D3.
  const auto r = rows({1, 0, 0.6, 0.8, 0, 1, 0.8, -0.6});
  const auto t = rows({0.6, 0.8, 0.8, 0.6, 0, 1, 1, 0});
  const auto match = torch::tensor({1, 0, 3, 2}, torch::kInt64);
  const auto cells = info_nce(r, t.index({match}), rows({0, -1, -0.6, 0.8}), 0.2);
  CHECK(max_gap(cells, numbers({0.019045, 0.027077, 4.018271, 6.002884})) < kPrinted);
  CHECK(info_nce(rows({1, 0}), rows({0.8, 0.6}), rows({0, 1, -1, 0}), 0.2).item<double>() ==
        Approx(0.018271).margin(kPrinted));
}

TEST_CASE("a key among its own negatives raises InfoNCE to ln 2 and more", "[losses]") {
  const auto q = rows({1, 0});
  CHECK(info_nce(q, q, rows({0, 1, -1, 0}), 0.2).item<double>() ==
        Approx(0.006760).margin(kPrinted));
  CHECK(info_nce(q, q, rows({1, 0, 0, 1, -1, 0}), 0.2).item<double>() ==
        Approx(0.696533).margin(kPrinted));
}

TEST_CASE("InfoNCE follows its formula for random rows", "[losses]") {
  torch::manual_seed(3);
  const auto q = random_unit(5, 4);
  const auto k = random_unit(5, 4);
  const auto negatives = random_unit(7, 4);
  const auto loss = info_nce(q, k, negatives, 0.3);
  for (std::int64_t i = 0; i < 5; ++i)
    CHECK(loss[i].item<double>() == Approx(nce_of(q[i], k[i], negatives, 0.3)).epsilon(1e-12));
}

TEST_CASE("InfoNCE without any preference is ln(1 + K)", "[losses]") {
  // The query is orthogonal to all rows.
  const auto axes = torch::eye(5, torch::kFloat64);
  const auto value = [&](std::int64_t negatives) {
    return info_nce(axes.slice(0, 0, 1), axes.slice(0, 1, 2),
                    axes.slice(0, 2, 3).expand({negatives, 5}), 0.2)
        .item<double>();
  };
  CHECK(value(512) == Approx(6.240276).margin(kPrinted));
  CHECK(value(6144) == Approx(8.723394).margin(kPrinted));
}

TEST_CASE("the accuracy of InfoNCE counts the queries whose key is nearest", "[losses]") {
  // 0.6 against at most 0.8; 1 against 0; a tie counts as wrong.
  const auto q = rows({1, 0, 0, 1, 1, 0});
  const auto k = rows({0.6, 0.8, 0, 1, 0.8, 0.6});
  const auto accuracy = info_nce_accuracy(q, k, rows({0.8, -0.6, -1, 0}));
  CHECK(accuracy.item<double>() == Approx(1.0 / 3));
}

TEST_CASE("NT-Xent at the printed values of SimCLR", "[losses]") {
  const auto first = unit(rows({1, 0, 0, 2}));
  const auto second = unit(rows({3, 4, -1, 1}));
  struct Printed {
    double temperature, mean;
    std::vector<double> rows;
  };
  for (const auto& [t, mean, each] :
       std::vector<Printed>{{0.1, 0.849039, {0.002478, 1.262049, 2.128143, 0.003488}},
                            {0.2, 0.602886, {0.049969, 0.963292, 1.340056, 0.058227}},
                            {0.5, 0.649522, {0.318032, 0.894978, 1.061768, 0.323312}},
                            {1.0, 0.798209, {0.598514, 0.951817, 1.048576, 0.593927}}}) {
    const auto loss = nt_xent(first, second, t);
    CHECK(max_gap(loss, numbers(each)) < kPrinted);
    CHECK(loss.mean().item<double>() == Approx(mean).margin(kPrinted));
  }
  CHECK(nt_xent_accuracy(first, second).item<double>() == 0.5);

  const auto identity = torch::eye(3, torch::kFloat64);
  const auto turned = unit(rows({2, 1, 0, 0, 2, 1, 1, 0, 2}, 3));
  CHECK(nt_xent(identity, turned, 0.1).mean().item<double>() == Approx(0.018610).margin(kPrinted));
  const auto half = nt_xent(identity, turned, 0.5);
  CHECK(half.mean().item<double>() == Approx(0.744412).margin(kPrinted));
  CHECK(max_gap(half, numbers({0.647258, 0.647258, 0.647258, 0.841567, 0.841567, 0.841567})) <
        kPrinted);
}

TEST_CASE("NT-Xent at the printed values of Chaitanya", "[losses]") {
  // Pairs (0, 1) and (2, 3), given row by row there.
  const auto loss = nt_xent(unit(rows({1, 0, 0, 1})), unit(rows({0.9, 0.1, 0.2, 1})), 0.1);
  CHECK(max_gap(loss, numbers({0.000391, 0.000221, 0.001146, 0.001534})) < kPrinted);
  CHECK(loss.mean().item<double>() == Approx(0.000823).margin(kPrinted));
}

TEST_CASE("NT-Xent of equal rows is ln(2n - 1), and 0 for one sample", "[losses]") {
  for (const std::int64_t n : {1, 2, 3, 24}) {
    const auto equal = unit(torch::ones({n, 3}, torch::kFloat64));
    CHECK(nt_xent(equal, equal, 0.5).mean().item<double>() ==
          Approx(std::log(2.0 * static_cast<double>(n) - 1)).margin(1e-12));
  }
}

TEST_CASE("further negatives of NT-Xent join every denominator", "[losses]") {
  torch::manual_seed(4);
  const auto first = random_unit(2, 3);
  const auto second = random_unit(2, 3);
  const auto more = random_unit(5, 3);
  const auto loss = nt_xent(first, second, 0.4, more);
  // Row 0 meets its partner, both rows of the other sample, and `more`.
  const auto negatives = torch::cat({first.slice(0, 1, 2), second.slice(0, 1, 2), more});
  CHECK(loss[0].item<double>() == Approx(nce_of(first[0], second[0], negatives, 0.4)));
  CHECK(loss[2].item<double>() == Approx(nce_of(second[0], first[0], negatives, 0.4)));
}

TEST_CASE("NT-Xent has the printed gradient", "[losses][gradient]") {
  const auto first = rows({1, 0, 0, 2}).set_requires_grad(true);
  nt_xent(unit(first), unit(rows({3, 4, -1, 1})), 0.5).mean().backward();
  CHECK(max_gap(first.grad(), rows({0, -0.1774, 0.3842, 0})) < 6e-5);
}

TEST_CASE("the cosines of SimSiam and BYOL", "[losses]") {
  const auto cosine =
      cosine_to(rows({1, 0, 0, 2, 3, 4, 1, 0}), rows({0.6, 0.8, 3, 4, 3, 4, -1, 0}));
  CHECK(max_gap(cosine, numbers({0.6, 0.8, 1, -1})) < 1e-15);
  CHECK(cosine_to(rows({1, 2, 2}, 3), rows({2, 0, 1}, 3)).item<double>() ==
        Approx(4 / std::sqrt(45.0)).epsilon(1e-12));

  // The batch of two of the sheet: L = (mean D(p1, z2) + mean D(p2, z1)) / 2.
  const auto p1 = rows({1, 2, 2, -1}).set_requires_grad(true);
  const auto z2 = rows({2, 1, 1, 1}).set_requires_grad(true);
  const auto one = -cosine_to(p1, z2).mean();
  const auto two = -cosine_to(rows({0, 1, 1, 1}), rows({1, 3, 2, 0})).mean();
  CHECK(one.item<double>() == Approx(-0.558114).margin(kPrinted));
  CHECK(two.item<double>() == Approx(-0.827895).margin(kPrinted));
  ((one + two) / 2).backward();
  CHECK(max_gap(p1.grad(), rows({-0.06, 0.03, -0.047434, -0.094868})) < kPrinted);
  CHECK_FALSE(z2.grad().defined());
}

TEST_CASE("contrast among labels at the printed values of DSC-PM", "[losses]") {
  const auto r = rows({1, 0, 0.6, 0.8, 0, 1, 0.8, -0.6});
  const auto t = rows({0.6, 0.8, 0.8, 0.6, 0, 1, 1, 0});
  const auto labels = torch::tensor({0, 0, 1, 1}, torch::kInt64);
  CHECK(label_contrast(r, labels, t, labels, 0.2).item<double>() ==
        Approx(2.338987).margin(kPrinted));
  // Each row on its own, then without one whose label no key has.
  const std::vector<double> each{1.912078, 0.942405, 2.912078, 3.589385};
  for (std::int64_t i = 0; i < 4; ++i)
    CHECK(label_contrast(r.slice(0, i, i + 1), labels.slice(0, i, i + 1), t, labels, 0.2)
              .item<double>() == Approx(each[i]).margin(kPrinted));
  const auto strange = torch::tensor({0, 0, 7, 7}, torch::kInt64);
  CHECK(label_contrast(r, strange, t, labels, 0.2).item<double>() ==
        Approx((each[0] + each[1]) / 2).margin(kPrinted));
}

TEST_CASE("rows with a negative label take no part in the contrast among labels", "[losses]") {
  const auto r = rows({1, 0, 0.6, 0.8, 0, 1, 0.8, -0.6});
  const auto t = rows({0.6, 0.8, 0.8, 0.6, 0, 1, 1, 0});
  const auto labels = torch::tensor({0, 0, 1, 1}, torch::kInt64);
  const auto with_gaps = torch::tensor({-1, 0, 0, -1, 1, 1}, torch::kInt64);
  const auto between = [](const at::Tensor& x) {
    return torch::cat({x.slice(0, 3), x.slice(0, 0, 2), x.slice(0, 0, 1), x.slice(0, 2)});
  };
  CHECK(label_contrast(between(r), with_gaps, between(t), with_gaps, 0.2).item<double>() ==
        Approx(2.338987).margin(kPrinted));
  auto queries = r.clone().set_requires_grad(true);
  const auto loss = label_contrast(queries, torch::full({4}, -1), t, torch::full({4}, -1), 0.2);
  loss.backward();
  CHECK(loss.item<double>() == 0.0);
  CHECK(torch::equal(queries.grad(), torch::zeros({4, 2}, torch::kFloat64)));
}

TEST_CASE("contrast among labels without any positive is 0 with zero gradient", "[losses]") {
  const auto queries = rows({1, 0, 0, 1}).set_requires_grad(true);
  const auto loss = label_contrast(queries, torch::tensor({0, 1}, torch::kInt64), rows({1, 0}),
                                   torch::tensor({2}, torch::kInt64), 0.2);
  loss.backward();
  CHECK(loss.item<double>() == 0.0);
  CHECK(torch::equal(queries.grad(), torch::zeros({2, 2}, torch::kFloat64)));
}

TEST_CASE("the contrasts have the gradients of their formulas", "[losses][gradient]") {
  torch::manual_seed(5);
  const auto x = torch::randn({4, 3}, torch::kFloat64);
  const auto other = random_unit(4, 3);
  const auto more = random_unit(6, 3);
  const auto weight = torch::rand({8}, torch::kFloat64);
  const auto labels = torch::tensor({0, 1, 1, 2}, torch::kInt64);
  const auto key_labels = torch::tensor({1, 0, 1, 0, 1, 0}, torch::kInt64);
  const auto gap = [&](auto loss) { return gradient_gap(loss, x); };
  CHECK(gap([&](const at::Tensor& a) {
          return info_nce(unit(a), other, more, 0.2).dot(weight.slice(0, 0, 4));
        }) < 1e-7);
  CHECK(gap([&](const at::Tensor& a) { return nt_xent(unit(a), other, 0.2, more).dot(weight); }) <
        1e-7);
  CHECK(gap([&](const at::Tensor& a) { return nt_xent(other, unit(a), 0.2).dot(weight); }) < 1e-7);
  CHECK(gap([&](const at::Tensor& a) { return cosine_to(a, other).dot(weight.slice(0, 0, 4)); }) <
        1e-7);
  CHECK(gap([&](const at::Tensor& a) {
          return label_contrast(unit(a), labels, more, key_labels, 0.2);
        }) < 1e-7);
}

TEST_CASE("no gradient flows into keys, negatives and targets", "[losses][gradient]") {
  torch::manual_seed(6);
  const auto leaf = [](std::int64_t n) { return random_unit(n, 3).set_requires_grad(true); };
  const auto queries = leaf(4);
  const auto keys = leaf(4);
  const auto negatives = leaf(5);
  const auto labels = torch::tensor({0, 1, 0, 1}, torch::kInt64);
  (info_nce(queries, keys, negatives, 0.2).sum() + cosine_to(queries, keys).sum() +
   label_contrast(queries, labels, keys, labels, 0.2) +
   nt_xent(queries, random_unit(4, 3), 0.2, negatives).sum())
      .backward();
  CHECK(queries.grad().abs().sum().item<double>() > 0);
  CHECK_FALSE(keys.grad().defined());
  CHECK_FALSE(negatives.grad().defined());
}

TEST_CASE("contrasts keep float32 under autocast and for half precision", "[losses]") {
  torch::manual_seed(7);
  const auto q = unit(torch::randn({4, 64}));
  const auto negatives = unit(torch::randn({32, 64}));
  const auto full = info_nce(q, q, negatives, 0.07);
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const auto product = torch::matmul(q, negatives.t());
  const auto under = info_nce(q, q, negatives, 0.07);
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  CHECK(product.scalar_type() == torch::kBFloat16);  // autocast was on
  CHECK(torch::equal(full, under));
  CHECK(info_nce(q.to(torch::kBFloat16), q, negatives, 0.07).scalar_type() == torch::kFloat32);
}

TEST_CASE("InfoNCE keeps one matrix of logits", "[losses]") {
  const auto q = unit(torch::randn({512, 16})).set_requires_grad(true);
  const auto k = unit(torch::randn({512, 16}));
  const auto negatives = unit(torch::randn({4096, 16}));
  const double matrix = 4.0 * 512 * (1 + 4096);
  at::Tensor loss;
  // Forward: the logits and their exponentials.
  CHECK(static_cast<double>(covector::testing::peak_bytes(
            [&] { loss = info_nce(q, k, negatives, 0.2).mean(); })) < 2.1 * matrix);
  // Backward: a difference, its exponential and the gradient, beside the logits kept from before.
  CHECK(static_cast<double>(covector::testing::peak_bytes([&] { loss.backward(); })) <
        3.1 * matrix);
}

TEST_CASE("the contrasts say which shape is wrong", "[losses][errors]") {
  const auto a = torch::zeros({2, 3});
  const auto b = torch::zeros({4, 3});
  const auto labels = torch::zeros({2}, torch::kInt64);
  CHECK_THROWS_WITH(info_nce(a, b, b, 0.2), "keys: expected [2, 3], got [4, 3]");
  CHECK_THROWS_WITH(info_nce(a, a, b.t(), 0.2), "negatives: expected [*, 3], got [3, 4]");
  CHECK_THROWS_WITH(info_nce_accuracy(a, b, b), "keys: expected [2, 3], got [4, 3]");
  CHECK_THROWS_WITH(nt_xent(a, b, 0.2), "second: expected [2, 3], got [4, 3]");
  CHECK_THROWS_WITH(nt_xent(a, a, 0.2, b.t()), "more: expected [*, 3], got [3, 4]");
  CHECK_THROWS_WITH(nt_xent_accuracy(a, b), "second: expected [2, 3], got [4, 3]");
  CHECK_THROWS_WITH(cosine_to(a, b), "z: expected [2, 3], got [4, 3]");
  CHECK_THROWS_WITH(label_contrast(a, labels, b.t(), labels, 0.2),
                    "keys: expected [*, 3], got [3, 4]");
  CHECK_THROWS_WITH(label_contrast(a, labels, b, labels, 0.2), "key_labels: expected [4], got [2]");
}
