#pragma once

#include "collection.h"

#include <optional>
#include <string>
#include <vector>

namespace covector::report {

/// A mean and the 95 % confidence interval of Student's t; no interval for a single number.
struct Estimate {
  double mean = 0;
  std::optional<double> low, high;
  std::vector<double> numbers;
};
std::optional<Estimate> estimate(const std::vector<double>& numbers);

/// Mean of a metric over the cases of a run. Of a case, the mean over its labels; values that are
/// not defined are left out. With a label: the mean over the cases of that label's values. Of a
/// metric of the set: its value, or the mean over its labels, none unless each has one.
std::optional<double> mean_of(const Run& run, const std::string& metric,
                              const std::string& label = {});

/// The runs of one experiment that began with the same weights.
struct Arm {
  std::string name;
  bool is_baseline = false;
  std::string note;                 // see Placed
  std::vector<const Placed*> runs;  // by seed

  /// The name with its note, for tables.
  std::string title() const { return note.empty() ? name : name + " (" + note + ")"; }
};
struct Experiment {
  std::string name;
  std::vector<Arm> arms;                    // baselines last
  std::vector<CaseDifference> differences;  // those of this experiment
};
std::vector<Experiment> experiments(const Collection& all);

/// Over an arm's runs that have a value.
std::optional<Estimate> over_seeds(const Arm& arm, const std::string& metric,
                                   const std::string& label = {});
/// Of the differences arm - baseline between runs of the same seed.
std::optional<Estimate> over_baseline(const Arm& arm, const Arm& baseline,
                                      const std::string& metric, const std::string& label = {});

}  // namespace covector::report
