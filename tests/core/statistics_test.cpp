#include "support/catch.h"

#include "covector/core/statistics.h"
#include "covector/losses/classification_score.h"

#include <cmath>
#include <limits>

// Expected values are those of SciPy 1.17.1, NumPy 2.4.6 and scikit-learn 1.9.1; the call stands
// beside each.
using namespace covector;
using covector::losses::roc_area;

namespace {

using Numbers = std::vector<double>;

/// Relative to the value: p-values are small numbers.
Approx near(double value) {
  return Approx(value).epsilon(1e-9).margin(1e-12);
}

const Numbers kScoresA = {.10, .40, .35, .80, .20, .55, .30, .60, .70, .35, .90, .75};
const Numbers kScoresB = {.20, .30, .65, .70, .25, .60, .15, .50, .80, .45, .70, .40};
const std::vector<bool> kTruth = {false, false, false, false, false, false,
                                  false, true,  true,  true,  true,  true};

}  // namespace

TEST_CASE("percentiles are NumPy's", "[statistics]") {
  // [np.percentile([3.5, 1.25, 9.0, 4.75, 2.0, 8.5, 6.0], q) for q in (0, 2.5, 33, 50, 97.5, 100)]
  const Numbers values{3.5, 1.25, 9.0, 4.75, 2.0, 8.5, 6.0};
  CHECK(percentile(values, 0) == 1.25);
  CHECK(percentile(values, 2.5) == near(1.3625));
  CHECK(percentile(values, 33) == near(3.47));
  CHECK(percentile(values, 50) == 4.75);
  CHECK(percentile(values, 97.5) == near(8.925));
  CHECK(percentile(values, 100) == 9.0);
  CHECK(percentile({7.0}, 40) == 7.0);
  CHECK_THROWS_WITH(percentile({}, 50), "percentile: no values");
  CHECK_THROWS_WITH(percentile({1.0}, 101), "percentile: expected 0 to 100");
}

TEST_CASE("the bootstrap interval of shares is that of the binomial law", "[statistics]") {
  // Ten 0 and ten 1: the mean of 20 drawn ones is Binomial(20, 1/2) / 20, whose percentiles are
  // scipy.stats.binom(20, .5).ppf([.025, .975]) = 6, 14.
  Numbers values(20, 0.0);
  std::fill_n(values.begin(), 10, 1.0);
  const auto [low, high] = bootstrap_interval(values);
  CHECK(low == near(0.3));
  CHECK(high == near(0.7));
  // Two values: a drawn mean is 10, 12.5 or 15, the outer ones with chance 1/4 each.
  CHECK(bootstrap_interval(Numbers{10.0, 15.0}).low == 10.0);
  CHECK(bootstrap_interval(Numbers{10.0, 15.0}).high == 15.0);
  CHECK(bootstrap_interval(Numbers{4.0}).low == 4.0);
  CHECK_THROWS_WITH(bootstrap_interval(Numbers()), "bootstrap_interval: no values");
}

TEST_CASE("the bootstrap interval over seeds and cases", "[statistics]") {
  using Row = std::vector<std::optional<double>>;
  Row share(20, 0.0), moved(20, 100.0);
  std::fill_n(share.begin(), 10, 1.0);
  std::fill_n(moved.begin(), 10, 101.0);
  // One seed: cases alone, as above.
  CHECK(bootstrap_interval(std::vector<Row>{share}).low == near(0.3));
  CHECK(bootstrap_interval(std::vector<Row>{share}).high == near(0.7));
  // Two seeds that differ by 100: the mean is B, 50 + B or 100 + B with chances 1/4, 1/2, 1/4, so
  // that 2.5 % of all is 10 % of the lowest: scipy.stats.binom(20, .5).ppf([.1, .9]) = 7, 13.
  const auto [low, high] = bootstrap_interval(std::vector<Row>{share, moved});
  CHECK(low == near(7.0 / 20));
  CHECK(high == near(100 + 13.0 / 20));
  // A value that is not there enters no mean: 4 alone is left of this seed.
  CHECK(bootstrap_interval(std::vector<Row>{Row{4.0, std::nullopt}}).low == 4.0);
  CHECK(bootstrap_interval(std::vector<Row>{Row{4.0, std::nullopt}}).high == 4.0);
  CHECK_THROWS_WITH(bootstrap_interval(std::vector<Row>{Row{1.0}, Row{std::nullopt}}),
                    "bootstrap_interval: a repetition has no value");
  CHECK_THROWS_WITH(bootstrap_interval(std::vector<Row>{Row{1.0}, Row{1.0, 2.0}}),
                    "bootstrap_interval: expected equal lengths");
}

TEST_CASE("the signed-rank test by hand", "[statistics]") {
  // Ranks 1, 2, 3: W- = 1. Of the 8 signs two have a W- of at most 1 (none negative, the smallest
  // negative), so p = 2 * 2/8.
  const auto test = signed_rank_test({-1.0, 2.0, 3.0});
  CHECK(test.statistic == 1.0);
  CHECK(test.p == 0.5);
  CHECK(test.pairs == 3);
  CHECK(test.exact);
}

TEST_CASE("the signed-rank test is SciPy's", "[statistics]") {
  // wilcoxon([2.1, -0.7, 2.3, 0.6, 5.5, 2.3, -1.3, 3.4, 1.8, 1.4]): ten, a tie: exact
  auto test = signed_rank_test({2.1, -0.7, 2.3, 0.6, 5.5, 2.3, -1.3, 3.4, 1.8, 1.4});
  CHECK(test.statistic == 5.0);
  CHECK(test.p == near(0.01953125));
  CHECK(test.exact);
  // wilcoxon([1.5, -0.5, 2, 2, 0, -1.5, 3, 0.5, 2.5]): ties and a zero, still exact
  test = signed_rank_test({1.5, -0.5, 2, 2, 0, -1.5, 3, 0.5, 2.5});
  CHECK(test.statistic == 5.0);
  CHECK(test.p == near(0.078125));
  CHECK(test.pairs == 8);
  // The same and seven more, too many with ties: the normal law
  // wilcoxon([1.5, -.5, 2, 2, 0, -1.5, 3, .5, 2.5, -2, 4, 3.5, 0, 1, -1, 2.5])
  test = signed_rank_test({1.5, -0.5, 2, 2, 0, -1.5, 3, 0.5, 2.5, -2, 4, 3.5, 0, 1, -1, 2.5});
  CHECK(test.statistic == 18.5);
  CHECK(test.p == near(0.032466571765445755));
  CHECK_FALSE(test.exact);
  // k = np.arange(1, 51); wilcoxon(k * 17 % 53 - 20.25 + k * .001): fifty without ties, exact
  Numbers values;
  for (int k = 1; k <= 50; ++k) values.push_back(k * 17 % 53 - 20.25 + k * 0.001);
  test = signed_rank_test(values);
  CHECK(test.statistic == 375.0);
  CHECK(test.p == near(0.010566648384996213));
  CHECK(test.exact);
  // k = np.arange(1, 61); wilcoxon((k * 37 % 61 - 25) / 4): sixty, ties and a zero
  values.clear();
  for (int k = 1; k <= 60; ++k) values.push_back((k * 37 % 61 - 25) / 4.0);
  test = signed_rank_test(values);
  CHECK(test.statistic == 588.0);
  CHECK(test.p == near(0.024965220366753117));
  CHECK(test.pairs == 59);
  // wilcoxon([0, 0, 0]), wilcoxon([1])
  CHECK(signed_rank_test({0, 0, 0}).p == 1.0);
  CHECK(signed_rank_test({1}).p == 1.0);
  CHECK(signed_rank_test(Numbers(60, 0.0)).p == 1.0);
}

TEST_CASE("what the signed-rank test does not take", "[statistics][errors]") {
  CHECK_THROWS_WITH(signed_rank_test({}), "signed_rank_test: no differences");
  CHECK_THROWS_WITH(signed_rank_test({1, std::numeric_limits<double>::infinity()}),
                    "signed_rank_test: expected finite differences");
}

TEST_CASE("Pearson's correlation and its p are SciPy's", "[statistics]") {
  // pearsonr([1, 2, 3, 4, 5, 6, 7, 8], [2.1, 0.3, 4.4, 3.9, 1.2, 5.0, 2.2, 4.1])
  auto found = pearson({1, 2, 3, 4, 5, 6, 7, 8}, {2.1, 0.3, 4.4, 3.9, 1.2, 5.0, 2.2, 4.1});
  CHECK(found.value().r == near(0.39106199208286097));
  CHECK(found.value().p == near(0.3380851744453218));
  // pearsonr(a, b)
  const Numbers a{83.1, 79.4, 88.2, 91.0, 65.7, 72.3, 80.8, 77.9, 85.5, 90.2};
  const Numbers b{81.0, 80.1, 85.9, 90.4, 60.2, 70.0, 82.1, 74.5, 83.7, 88.8};
  found = pearson(a, b);
  CHECK(found.value().r == near(0.9832818433271481));
  CHECK(found.value().p == near(3.3495934295984776e-07));
  // pearsonr([1, 2, 4], [3, 1, -2])
  found = pearson({1, 2, 4}, {3, 1, -2});
  CHECK(found.value().r == near(-0.9971764649527378));
  CHECK(found.value().p == near(0.04785132328335178));
  CHECK(pearson({1, 2}, {5, 3}).value().r == near(-1.0));
  CHECK(pearson({1, 2}, {5, 3}).value().p == 1.0);
  CHECK_FALSE(pearson({1, 2, 3}, {4, 4, 4}));
  CHECK_THROWS_WITH(pearson({1, 2}, {1}), "pearson: expected as many values of each variable");
  CHECK_THROWS_WITH(pearson({1}, {1}), "pearson: expected two pairs at least");
}

TEST_CASE("areas are scikit-learn's, their intervals and paired test DeLong's", "[statistics]") {
  const auto a = roc_area(kScoresA, kTruth), b = roc_area(kScoresB, kTruth);
  // roc_auc_score(truth, scores)
  CHECK(*a.percent == near(100 * 0.8142857142857143));
  CHECK(*b.percent == near(100 * 0.7285714285714285));
  // psi = (p[:, None] > n) + .5 * (p[:, None] == n); v10, v01 = psi.mean(1), psi.mean(0)
  // A - norm.ppf(.975) * sqrt(v10.var(ddof=1) / len(p) + v01.var(ddof=1) / len(n))
  CHECK(*a.low == near(54.71876459688409));
  CHECK(*b.low == near(41.30332520176419));
  CHECK(*a.high == 100.0);  // 108.1, cut
  // var = (v10_a - v10_b).var(ddof=1) / 5 + (v01_a - v01_b).var(ddof=1) / 7
  // 2 * norm.sf(abs(A_a - A_b) / sqrt(var))
  Numbers differences;
  std::vector<std::string> classes;
  for (std::size_t i = 0; i < kTruth.size(); ++i) {
    differences.push_back(a.contributions.at(i) - b.contributions.at(i));
    classes.push_back(kTruth[i] ? "ill" : "well");
  }
  CHECK(stratified_mean_p(differences, classes).value() == near(0.518039366498259));
}

TEST_CASE("the test of a stratified mean by hand", "[statistics]") {
  // x: 1, 3 with mean 2 and s^2 2; y: 0, 0, 6 with mean 2 and s^2 12. Mean of all 2; its variance
  // (2/5)^2 2/2 + (3/5)^2 12/3 = 0.16 + 1.44 = 1.6. z = 2 / sqrt(1.6)
  CHECK(stratified_mean_p({1, 0, 3, 0, 6}, {"x", "y", "x", "y", "y"}).value() ==
        near(std::erfc(2 / std::sqrt(1.6) / std::sqrt(2.0))));
  CHECK_FALSE(stratified_mean_p({1, 0, 3}, {"x", "y", "x"}));
  CHECK_FALSE(stratified_mean_p({1, 1}, {"x", "x"}));
  CHECK_THROWS_WITH(stratified_mean_p({}, {}), "stratified_mean_p: no values");
  CHECK_THROWS_WITH(stratified_mean_p({1}, {}),
                    "stratified_mean_p: expected a stratum for each value");
}
