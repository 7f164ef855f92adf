#include "support/catch.h"

#include "covector/losses/classification_score.h"

#include <cmath>
#include <numeric>
#include <random>

using namespace covector::losses;

namespace {

using Numbers = std::vector<double>;
using Truth = std::vector<bool>;

double mean_of(const Numbers& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// V10 and V01 of DeLong et al. by their definition, over all pairs.
struct Placements {
  Numbers of_positive, of_negative;
};
Placements placements(const Numbers& scores, const Truth& positive) {
  Numbers x, y;
  for (std::size_t i = 0; i < scores.size(); ++i) (positive[i] ? x : y).push_back(scores[i]);
  const auto psi = [](double a, double b) { return a > b ? 1.0 : a == b ? 0.5 : 0.0; };
  Placements out;
  for (const auto a : x) {
    double sum = 0;
    for (const auto b : y) sum += psi(a, b);
    out.of_positive.push_back(sum / static_cast<double>(y.size()));
  }
  for (const auto b : y) {
    double sum = 0;
    for (const auto a : x) sum += psi(a, b);
    out.of_negative.push_back(sum / static_cast<double>(x.size()));
  }
  return out;
}

/// 1 / (n - 1) sum (a - mean a)(b - mean b)
double covariance(const Numbers& a, const Numbers& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - mean_of(a)) * (b[i] - mean_of(b));
  return sum / static_cast<double>(a.size() - 1);
}

/// Scores on a coarse grid, so that many tie, the positive ones higher on average.
Numbers drawn_scores(const Truth& positive, unsigned seed) {
  std::mt19937 random(seed);
  Numbers scores;
  for (const bool is : positive)
    scores.push_back(static_cast<double>(random() % 12 + (is ? 3 : 0)));
  return scores;
}

Truth drawn_truth() {
  std::mt19937 random(1);
  Truth truth;
  for (int i = 0; i < 60; ++i) truth.push_back(random() % 3 == 0);
  return truth;
}

}  // namespace

TEST_CASE("an area under a ROC curve with a tie, and DeLong's interval, by hand", "[losses]") {
  // positive 0.9 0.7 0.5, negative 0.6 0.5 0.2 0.1
  // V10 = 4/4, 4/4, 2.5/4: A = 2.625 / 3 = 0.875; V01 = 2/3, 2.5/3, 1, 1: 3.5 / 4, the same
  // S10 = ((1/8)^2 + (1/8)^2 + (2/8)^2) / 2 = 3/64
  // S01 = (5^2 + 1^2 + 3^2 + 3^2) / 24^2 / 3 = 44 / 1728
  // var A = 3/64 / 3 + 44/1728 / 4 = 27/1728 + 11/1728 = 19/864
  const auto roc =
      roc_area({0.6, 0.9, 0.5, 0.5, 0.2, 0.7, 0.1}, {false, true, true, false, false, true, false});
  CHECK(*roc.percent == Approx(87.5).epsilon(1e-12));
  CHECK(*roc.low == Approx(87.5 - 195.9963984540054 * std::sqrt(19.0 / 864)).epsilon(1e-12));
  CHECK(*roc.high == 100.0);  // 116.6, cut
  CHECK(roc.reason.empty());
  // A + 7/4 (V01 - A) of the first: 0.875 - 1.75 * 5/24; A + 7/3 (V10 - A) of the second
  REQUIRE(roc.contributions.size() == 7);
  CHECK(roc.contributions[0] == Approx(100 * (0.875 - 1.75 * 5 / 24)).epsilon(1e-12));
  CHECK(roc.contributions[1] == Approx(100 * (0.875 + 7.0 / 3 / 8)).epsilon(1e-12));
  CHECK(mean_of(roc.contributions) == Approx(87.5).epsilon(1e-12));
}

TEST_CASE("area, interval and contributions agree with sums over all pairs", "[losses]") {
  const auto truth = drawn_truth();
  const auto scores = drawn_scores(truth, 2);
  const auto [v10, v01] = placements(scores, truth);
  const auto variance = covariance(v10, v10) / static_cast<double>(v10.size()) +
                        covariance(v01, v01) / static_cast<double>(v01.size());
  const auto roc = roc_area(scores, truth);
  CHECK(*roc.percent == Approx(100 * mean_of(v10)).epsilon(1e-12));
  CHECK(*roc.percent - *roc.low == Approx(196.0 * std::sqrt(variance)).epsilon(1e-4));
  CHECK(*roc.high - *roc.percent == Approx(*roc.percent - *roc.low).epsilon(1e-12));
  CHECK(mean_of(roc.contributions) == Approx(*roc.percent).epsilon(1e-12));
  // Any rising function of the scores leaves it as it is; the opposite order gives the rest.
  auto other = scores;
  for (auto& s : other) s = std::exp(s / 4);
  CHECK(*roc_area(other, truth).percent == *roc.percent);
  for (auto& s : other) s = -s;
  CHECK(*roc_area(other, truth).percent == Approx(100 - *roc.percent).epsilon(1e-12));
}

TEST_CASE("differences of contributions have the variance of DeLong's paired test", "[losses]") {
  const auto truth = drawn_truth();
  const auto first = drawn_scores(truth, 3), second = drawn_scores(truth, 4);
  const auto a = placements(first, truth), b = placements(second, truth);
  const auto m = static_cast<double>(a.of_positive.size());
  const auto n = static_cast<double>(a.of_negative.size());
  // var (A - B) = var A + var B - 2 cov, each the sum over both classes of S / count; with m and n
  // in place of m - 1 and n - 1.
  const auto spread = [](const Numbers& v, const Numbers& w) {
    return covariance(v, v) + covariance(w, w) - 2 * covariance(v, w);
  };
  const auto expected = spread(a.of_positive, b.of_positive) * (m - 1) / m / m +
                        spread(a.of_negative, b.of_negative) * (n - 1) / n / n;
  const auto left = roc_area(first, truth).contributions;
  const auto right = roc_area(second, truth).contributions;
  Numbers apart;
  for (std::size_t i = 0; i < left.size(); ++i) apart.push_back((left[i] - right[i]) / 100);
  const auto count = static_cast<double>(apart.size());
  CHECK(covariance(apart, apart) * (count - 1) / count / count == Approx(expected).epsilon(1e-10));
}

TEST_CASE("an area that is not defined, and intervals that are not, say why", "[losses][errors]") {
  const auto none = roc_area({0.1, 0.2}, {false, false});
  CHECK_FALSE(none.percent);
  CHECK(none.contributions.empty());
  CHECK(none.reason == "no case is of the class");
  CHECK(roc_area({0.1, 0.2}, {true, true}).reason == "every case is of the class");
  CHECK(roc_area({}, {}).reason == "no case is of the class");
  const auto single = roc_area({0.3, 0.1, 0.4}, {true, false, false});
  CHECK(*single.percent == 50.0);
  CHECK_FALSE(single.low);
  CHECK(single.reason == "no interval: it needs two cases of the class and two others");
  const auto perfect = roc_area({0.3, 0.4, 0.1, 0.2}, {true, true, false, false});
  CHECK(*perfect.percent == 100.0);
  CHECK_FALSE(perfect.high);
  CHECK(perfect.reason == "no interval: every case scores alike against the other class");
  // All scores the same: every pair ties.
  CHECK(*roc_area({1, 1, 1, 1}, {true, true, false, false}).percent == 50.0);
  CHECK_THROWS_WITH(roc_area({0.1}, {true, false}), "positive: expected 1 values, got 2");
  CHECK_THROWS_WITH(roc_area({NAN, 0.1}, {true, false}), "scores: expected finite numbers");
}

TEST_CASE("a share of cases that were called right, by hand", "[losses]") {
  // three of four count, two of them right; each counts 4/3 about the share
  const auto share = share_right({true, true, false, true}, {true, false, true, true});
  CHECK(*share.percent == Approx(200.0 / 3).epsilon(1e-12));
  CHECK_FALSE(share.low);
  REQUIRE(share.contributions.size() == 4);
  CHECK(share.contributions[0] == Approx(100 * (2.0 / 3 + 4.0 / 9)).epsilon(1e-12));
  CHECK(share.contributions[1] == Approx(100 * (2.0 / 3 - 8.0 / 9)).epsilon(1e-12));
  CHECK(share.contributions[2] == Approx(200.0 / 3).epsilon(1e-12));
  CHECK(mean_of(share.contributions) == Approx(200.0 / 3).epsilon(1e-12));
  const auto none = share_right({false}, {true});
  CHECK_FALSE(none.percent);
  CHECK(none.reason == "no case counts");
  CHECK_THROWS_WITH(share_right({true, false}, {true}), "right: expected 2 values, got 1");
}
