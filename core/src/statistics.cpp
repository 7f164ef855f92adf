#include "covector/core/statistics.h"

#include "covector/core/random.h"

#include <boost/math/distributions/normal.hpp>
#include <boost/math/special_functions/beta.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <stdexcept>

namespace covector {
namespace {

using Numbers = std::vector<double>;

constexpr int kDraws = 10000;

void check(bool holds, const std::string& what) {
  if (!holds) throw std::invalid_argument(what);
}

double size_of(const Numbers& values) {
  return static_cast<double>(values.size());
}

double mean_of(const Numbers& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / size_of(values);
}

double sum_of_squares(const Numbers& values) {
  const auto mean = mean_of(values);
  double sum = 0;
  for (const auto value : values) sum += (value - mean) * (value - mean);
  return sum;
}

double two_sided_p(double z) {
  return 2 * boost::math::cdf(boost::math::complement(boost::math::normal(), std::abs(z)));
}

Interval middle_95(const Numbers& values) {
  return {percentile(values, 2.5), percentile(values, 97.5)};
}

std::vector<std::int64_t> draw(RandomStream& random, std::size_t count) {
  std::vector<std::int64_t> drawn(count);
  for (auto& index : drawn) index = random.integer(static_cast<std::int64_t>(count));
  return drawn;
}

using Row = std::vector<std::optional<double>>;

std::optional<double> mean_at(const Row& row, const std::vector<std::int64_t>& cases) {
  double sum = 0, count = 0;
  for (const auto index : cases)
    if (row[index]) {
      sum += *row[index];
      count += 1;
    }
  return count > 0 ? std::optional(sum / count) : std::nullopt;
}

/// Absolute values in ascending order, with twice their mean rank: whole numbers, ties or none.
struct Ranks {
  std::vector<std::int64_t> doubled;  // of each difference
  double tie_correction = 0;          // sum over ties of t^3 - t
};

Ranks rank(const Numbers& differences) {
  std::vector<std::size_t> order(differences.size());
  std::iota(order.begin(), order.end(), 0);
  const auto size = [&](std::size_t i) { return std::abs(differences[i]); };
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return size(a) < size(b); });
  Ranks ranks{std::vector<std::int64_t>(differences.size())};
  for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
    while (last < order.size() && size(order[last]) == size(order[first])) ++last;
    // ranks first + 1 ... last
    for (auto i = first; i < last; ++i)
      ranks.doubled[order[i]] = static_cast<std::int64_t>(first + 1 + last);
    const auto tied = static_cast<double>(last - first);
    ranks.tie_correction += tied * tied * tied - tied;
  }
  return ranks;
}

/// 2 min(P(W <= w), P(W >= w)) where each rank is positive with chance 1/2.
double exact_p(const std::vector<std::int64_t>& doubled_ranks, std::int64_t doubled_statistic) {
  const auto most = std::accumulate(doubled_ranks.begin(), doubled_ranks.end(), std::int64_t{0});
  Numbers chance(most + 1, 0.0);
  chance[0] = 1;
  for (const auto rank : doubled_ranks)
    for (auto sum = most; sum >= 0; --sum)
      chance[sum] = (chance[sum] + (sum >= rank ? chance[sum - rank] : 0.0)) / 2;
  const auto at = chance.begin() + doubled_statistic;
  const auto below = std::accumulate(chance.begin(), at + 1, 0.0);
  const auto above = std::accumulate(at, chance.end(), 0.0);
  return std::min(1.0, 2 * std::min(below, above));
}

double normal_p(const Ranks& ranks, double statistic) {
  const auto n = static_cast<double>(ranks.doubled.size());
  const auto variance = (n * (n + 1) * (2 * n + 1) - ranks.tie_correction / 2) / 24;
  return two_sided_p((statistic - n * (n + 1) / 4) / std::sqrt(variance));
}

}  // namespace

double percentile(Numbers values, double percent) {
  check(!values.empty(), "percentile: no values");
  check(0 <= percent && percent <= 100, "percentile: expected 0 to 100");
  const auto position = percent / 100 * (size_of(values) - 1);
  const auto below = static_cast<std::size_t>(position);
  const auto share = position - static_cast<double>(below);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(values.begin(), at, values.end());
  if (share == 0) return *at;
  return (1 - share) * *at + share * *std::min_element(at + 1, values.end());
}

Interval bootstrap_interval(const Numbers& values) {
  check(!values.empty(), "bootstrap_interval: no values");
  RandomStream random(0, "bootstrap");
  const auto count = static_cast<std::int64_t>(values.size());
  Numbers means(kDraws);
  for (auto& mean : means) {
    for (std::int64_t i = 0; i < count; ++i) mean += values[random.integer(count)];
    mean /= size_of(values);
  }
  return middle_95(means);
}

Interval bootstrap_interval(const std::vector<Row>& values) {
  check(!values.empty(), "bootstrap_interval: no values");
  for (const auto& row : values) {
    check(row.size() == values.front().size(), "bootstrap_interval: expected equal lengths");
    check(std::any_of(row.begin(), row.end(), [](const auto& value) { return value.has_value(); }),
          "bootstrap_interval: a repetition has no value");
  }
  RandomStream random(0, "bootstrap");
  Numbers means;
  while (means.size() < kDraws) {
    const auto cases = draw(random, values.front().size());
    Numbers of_rows;
    for (const auto row : draw(random, values.size()))
      if (const auto mean = mean_at(values[row], cases)) of_rows.push_back(*mean);
    // Cases that have no value anywhere are drawn again.
    if (!of_rows.empty()) means.push_back(mean_of(of_rows));
  }
  return middle_95(means);
}

SignedRank signed_rank_test(const Numbers& differences) {
  constexpr std::size_t kMostExact = 50, kMostExactTied = 13;
  check(!differences.empty(), "signed_rank_test: no differences");
  Numbers nonzero;
  for (const auto difference : differences) {
    check(std::isfinite(difference), "signed_rank_test: expected finite differences");
    if (difference != 0) nonzero.push_back(difference);
  }
  SignedRank result;
  result.pairs = static_cast<std::int64_t>(nonzero.size());
  if (nonzero.empty()) return result;
  const auto ranks = rank(nonzero);
  std::int64_t positive = 0, all = 0;
  for (std::size_t i = 0; i < nonzero.size(); ++i) {
    all += ranks.doubled[i];
    if (nonzero[i] > 0) positive += ranks.doubled[i];
  }
  const bool plain = nonzero.size() == differences.size() && ranks.tie_correction == 0;
  result.statistic = static_cast<double>(std::min(positive, all - positive)) / 2;
  result.exact = differences.size() <= (plain ? kMostExact : kMostExactTied);
  result.p = result.exact ? exact_p(ranks.doubled, positive)
                          : normal_p(ranks, static_cast<double>(positive) / 2);
  return result;
}

std::optional<double> stratified_mean_p(const Numbers& values,
                                        const std::vector<std::string>& strata) {
  check(!values.empty(), "stratified_mean_p: no values");
  check(values.size() == strata.size(), "stratified_mean_p: expected a stratum for each value");
  std::map<std::string, Numbers> by_stratum;
  for (std::size_t i = 0; i < values.size(); ++i) by_stratum[strata[i]].push_back(values[i]);
  double variance = 0;
  for (const auto& [name, own] : by_stratum) {
    if (own.size() < 2) return std::nullopt;
    const auto share = size_of(own) / size_of(values);
    variance += share * share * sum_of_squares(own) / (size_of(own) - 1) / size_of(own);
  }
  if (variance == 0) return std::nullopt;
  return two_sided_p(mean_of(values) / std::sqrt(variance));
}

std::optional<Correlation> pearson(const Numbers& x, const Numbers& y) {
  check(x.size() == y.size(), "pearson: expected as many values of each variable");
  check(x.size() >= 2, "pearson: expected two pairs at least");
  const auto constant = [](const Numbers& values) {
    return std::all_of(values.begin(), values.end(),
                       [&](double value) { return value == values.front(); });
  };
  if (constant(x) || constant(y)) return std::nullopt;
  const auto mean_x = mean_of(x), mean_y = mean_of(y);
  double product = 0;
  for (std::size_t i = 0; i < x.size(); ++i) product += (x[i] - mean_x) * (y[i] - mean_y);
  const auto r =
      std::clamp(product / std::sqrt(sum_of_squares(x)) / std::sqrt(sum_of_squares(y)), -1.0, 1.0);
  if (x.size() == 2) return Correlation{r, 1};
  const auto shape = size_of(x) / 2 - 1;
  return Correlation{r, 2 * boost::math::ibetac(shape, shape, (1 + std::abs(r)) / 2)};
}

}  // namespace covector
