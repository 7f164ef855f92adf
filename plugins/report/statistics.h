#pragma once

#include "collection.h"

#include <map>
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

/// A metric of each case of a run that has a value, the mean over its labels; by case id. With a
/// label: of that label alone.
std::map<std::string, double> case_means(const Run& run, const std::string& metric,
                                         const std::string& label = {});

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

/// So many arms are shown beside each other in one chart or row of pictures; of more each has a
/// section of its own.
constexpr std::size_t kFewArms = 4;
bool has_many_arms(const std::vector<Experiment>& all);

/// Over an arm's runs that have a value.
std::optional<Estimate> over_seeds(const Arm& arm, const std::string& metric,
                                   const std::string& label = {});
/// Of the differences arm - baseline between runs of the same seed.
std::optional<Estimate> over_baseline(const Arm& arm, const Arm& baseline,
                                      const std::string& metric, const std::string& label = {});

/// The q-th quantile, 0 to 1, by linear interpolation between order statistics: of n sorted numbers
/// the one at place q (n - 1), counted from 0. Definition 7 of R. J. Hyndman, Y. Fan, Sample
/// Quantiles in Statistical Packages, The American Statistician 50(4), 1996; what NumPy and R do
/// unless told otherwise.
/// @param sorted  ascending, at least one
double quantile(const std::vector<double>& sorted, double q);

/// What a box plot shows. Whiskers end at the last numbers within 1.5 interquartile ranges of the
/// box, as Tukey drew them; numbers beyond are drawn one by one.
struct Box {
  std::size_t count = 0;
  double low_whisker = 0, low_quartile = 0, median = 0, high_quartile = 0, high_whisker = 0;
  std::vector<double> outside;  // ascending
};
/// Nothing without numbers.
std::optional<Box> box_of(std::vector<double> numbers);

/// A metric of each case of an arm: of a case, the mean over its labels, then over the seeds that
/// have a value. By case id.
std::map<std::string, double> case_scores(const Arm& arm, const std::string& metric);

}  // namespace covector::report
