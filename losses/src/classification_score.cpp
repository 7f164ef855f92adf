#include "covector/losses/classification_score.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace covector::losses {
namespace {

void check_lengths(const std::string& name, std::size_t length, std::size_t expected) {
  if (length != expected)
    throw std::invalid_argument(name + ": expected " + std::to_string(expected) + " values, got " +
                                std::to_string(length));
}

/// Ranks from 1; those of equal values are their mean.
std::vector<double> midranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    auto end = first;
    while (end < order.size() && values[order[end]] == values[order[first]]) ++end;
    const auto rank = static_cast<double>(first + 1 + end) / 2;
    for (; first < end; ++first) ranks[order[first]] = rank;
  }
  return ranks;
}

/// V10 of the positive cases and V01 of the negative ones, in the order of all.
std::vector<double> placements(const std::vector<double>& scores, const std::vector<bool>& positive,
                               double m, double n) {
  std::vector<double> of_class[2];
  for (std::size_t i = 0; i < scores.size(); ++i) of_class[positive[i]].push_back(scores[i]);
  const auto all = midranks(scores);
  const std::vector<double> own[2]{midranks(of_class[0]), midranks(of_class[1])};
  std::vector<double> out;
  std::size_t next[2]{0, 0};
  for (std::size_t i = 0; i < scores.size(); ++i) {
    // Rank among all less rank in the own class: how many of the other class lie below.
    const auto below = all[i] - own[positive[i]][next[positive[i]]++];
    out.push_back(positive[i] ? below / n : 1 - below / m);
  }
  return out;
}

}  // namespace

SetScore roc_area(const std::vector<double>& scores, const std::vector<bool>& positive) {
  check_lengths("positive", positive.size(), scores.size());
  if (!std::all_of(scores.begin(), scores.end(), [](double s) { return std::isfinite(s); }))
    throw std::invalid_argument("scores: expected finite numbers");
  const auto m = static_cast<double>(std::count(positive.begin(), positive.end(), true));
  const auto n = static_cast<double>(positive.size()) - m;
  SetScore out;
  if (m == 0 || n == 0) {
    out.reason = m == 0 ? "no case is of the class" : "every case is of the class";
    return out;
  }
  const auto placed = placements(scores, positive, m, n);
  double area = 0, squares[2]{0, 0};
  for (std::size_t i = 0; i < placed.size(); ++i) area += positive[i] ? placed[i] / m : 0;
  for (std::size_t i = 0; i < placed.size(); ++i) {
    const auto apart = placed[i] - area;
    squares[positive[i]] += apart * apart;
    out.contributions.push_back(100 * (area + (m + n) / (positive[i] ? m : n) * apart));
  }
  out.percent = 100 * area;
  if (m < 2 || n < 2) {
    out.reason = "no interval: it needs two cases of the class and two others";
  } else if (squares[0] == 0 && squares[1] == 0) {
    out.reason = "no interval: every case scores alike against the other class";
  } else {
    const auto half =
        1.959963984540054 * std::sqrt(squares[1] / (m - 1) / m + squares[0] / (n - 1) / n);
    out.low = 100 * std::max(0.0, area - half);
    out.high = 100 * std::min(1.0, area + half);
  }
  return out;
}

SetScore share_right(const std::vector<bool>& among, const std::vector<bool>& right) {
  check_lengths("right", right.size(), among.size());
  const auto counted = static_cast<double>(std::count(among.begin(), among.end(), true));
  SetScore out;
  if (counted == 0) {
    out.reason = "no case counts";
    return out;
  }
  double hits = 0;
  for (std::size_t i = 0; i < among.size(); ++i) hits += among[i] && right[i] ? 1 : 0;
  const auto share = hits / counted;
  const auto all = static_cast<double>(among.size());
  for (std::size_t i = 0; i < among.size(); ++i)
    out.contributions.push_back(
        100 * (among[i] ? share + all / counted * ((right[i] ? 1 : 0) - share) : share));
  out.percent = 100 * share;
  return out;
}

}  // namespace covector::losses
