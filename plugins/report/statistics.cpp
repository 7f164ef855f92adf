#include "statistics.h"

#include <boost/math/distributions/students_t.hpp>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace covector::report {

std::optional<Estimate> estimate(const std::vector<double>& numbers) {
  if (numbers.empty()) return std::nullopt;
  const auto n = static_cast<double>(numbers.size());
  Estimate out;
  out.numbers = numbers;
  for (const auto x : numbers) out.mean += x / n;
  if (numbers.size() < 2) return out;
  double squares = 0;
  for (const auto x : numbers) squares += (x - out.mean) * (x - out.mean);
  const auto t = boost::math::quantile(boost::math::students_t(n - 1), 0.975);
  const auto half = t * std::sqrt(squares / (n - 1) / n);
  out.low = out.mean - half;
  out.high = out.mean + half;
  return out;
}

namespace {

std::optional<double> value_of_set(const Run& run, const std::string& metric,
                                   const std::string& label) {
  double sum = 0, count = 0;
  for (const auto& v : run.set) {
    if (v.metric != metric || (!label.empty() && v.label != label)) continue;
    if (!v.value) return std::nullopt;
    sum += *v.value;
    count += 1;
  }
  return count > 0 ? std::optional(sum / count) : std::nullopt;
}

}  // namespace

std::map<std::string, double> case_means(const Run& run, const std::string& metric,
                                         const std::string& label) {
  struct Sum {
    double sum = 0;
    double count = 0;
  };
  std::map<std::string, Sum> cases;
  for (const auto& v : run.values) {
    if (v.metric != metric || !v.value || (!label.empty() && v.label != label)) continue;
    cases[v.case_id].sum += *v.value;
    cases[v.case_id].count += 1;
  }
  std::map<std::string, double> means;
  for (const auto& [id, of_case] : cases) means[id] = of_case.sum / of_case.count;
  return means;
}

std::optional<double> mean_of(const Run& run, const std::string& metric, const std::string& label) {
  if (is_of_set(run, metric)) return value_of_set(run, metric, label);
  const auto cases = case_means(run, metric, label);
  if (cases.empty()) return std::nullopt;
  double sum = 0;
  for (const auto& item : cases) sum += item.second;
  return sum / static_cast<double>(cases.size());
}

std::vector<Experiment> experiments(const Collection& all) {
  std::vector<Experiment> out;
  for (const auto& placed : all.adapt) {
    auto experiment = std::find_if(out.begin(), out.end(),
                                   [&](const auto& e) { return e.name == placed.experiment; });
    if (experiment == out.end()) experiment = out.insert(out.end(), {placed.experiment, {}, {}});
    auto& arms = experiment->arms;
    auto arm =
        std::find_if(arms.begin(), arms.end(), [&](const auto& a) { return a.name == placed.arm; });
    if (arm == arms.end())
      arm = arms.insert(arms.end(), {placed.arm, placed.is_baseline, placed.note, {}});
    arm->runs.push_back(&placed);
  }
  for (auto& experiment : out) {
    for (const auto& difference : all.differences)
      if (difference.experiment == experiment.name) experiment.differences.push_back(difference);
    std::stable_sort(experiment.arms.begin(), experiment.arms.end(),
                     [](const Arm& a, const Arm& b) { return a.is_baseline < b.is_baseline; });
    for (auto& arm : experiment.arms)
      std::stable_sort(arm.runs.begin(), arm.runs.end(),
                       [](const Placed* a, const Placed* b) { return a->run.seed < b->run.seed; });
  }
  return out;
}

bool has_many_arms(const std::vector<Experiment>& all) {
  return std::any_of(all.begin(), all.end(),
                     [](const Experiment& e) { return e.arms.size() > kFewArms; });
}

std::optional<Estimate> over_seeds(const Arm& arm, const std::string& metric,
                                   const std::string& label) {
  std::vector<double> numbers;
  for (const auto* placed : arm.runs)
    if (const auto mean = mean_of(placed->run, metric, label)) numbers.push_back(*mean);
  return estimate(numbers);
}

std::optional<Estimate> over_baseline(const Arm& arm, const Arm& baseline,
                                      const std::string& metric, const std::string& label) {
  std::vector<double> differences;
  for (const auto* a : arm.runs)
    for (const auto* b : baseline.runs) {
      if (a->run.seed != b->run.seed) continue;
      const auto x = mean_of(a->run, metric, label), y = mean_of(b->run, metric, label);
      if (x && y) differences.push_back(*x - *y);
    }
  return estimate(differences);
}

double quantile(const std::vector<double>& sorted, double q) {
  const auto place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

std::optional<Box> box_of(std::vector<double> numbers) {
  if (numbers.empty()) return std::nullopt;
  std::sort(numbers.begin(), numbers.end());
  Box box;
  box.count = numbers.size();
  box.low_quartile = quantile(numbers, 0.25);
  box.median = quantile(numbers, 0.5);
  box.high_quartile = quantile(numbers, 0.75);
  const auto reach = 1.5 * (box.high_quartile - box.low_quartile);
  const auto is_outside = [&](double x) {
    return x < box.low_quartile - reach || x > box.high_quartile + reach;
  };
  box.low_whisker = *std::find_if_not(numbers.begin(), numbers.end(), is_outside);
  box.high_whisker = *std::find_if_not(numbers.rbegin(), numbers.rend(), is_outside);
  std::copy_if(numbers.begin(), numbers.end(), std::back_inserter(box.outside), is_outside);
  return box;
}

std::map<std::string, double> case_scores(const Arm& arm, const std::string& metric) {
  std::map<std::string, std::vector<double>> by_seed;
  for (const auto* placed : arm.runs)
    for (const auto& [id, score] : case_means(placed->run, metric)) by_seed[id].push_back(score);
  std::map<std::string, double> scores;
  for (const auto& [id, values] : by_seed) scores[id] = estimate(values)->mean;
  return scores;
}

}  // namespace covector::report
