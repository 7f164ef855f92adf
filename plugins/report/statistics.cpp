#include "statistics.h"

#include <boost/math/distributions/students_t.hpp>

#include <algorithm>
#include <cmath>
#include <map>

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

std::optional<double> mean_of(const Run& run, const std::string& metric, const std::string& label) {
  if (is_of_set(run, metric)) return value_of_set(run, metric, label);
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
  if (cases.empty()) return std::nullopt;
  double sum = 0;
  for (const auto& item : cases) sum += item.second.sum / item.second.count;
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

}  // namespace covector::report
