#pragma once

#include "covector/core/task.h"

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace covector {

/// Mean of a metric over those of its values that are defined.
struct Mean {
  std::optional<double> value;
  std::int64_t defined = 0;
  std::int64_t undefined = 0;
};

/// What a task measured on some cases.
struct COVECTOR_API Measurement {
  std::vector<Metric> metrics;
  std::vector<CaseResult> cases;
  std::vector<SetValue> set = {};

  /// Whether a metric is of all cases together, and no mean over them.
  bool is_of_set(const std::string& metric) const;
};

/// Value of a metric in a case: the mean over its labels, those that are undefined left out.
COVECTOR_API Mean mean_of_case(const CaseResult& result, const std::string& metric);
/// Mean over the cases of mean_of_case; counts cases. Of a metric of the set: the mean over its
/// labels, none unless each has a value.
COVECTOR_API Mean mean_of(const Measurement& measurement, const std::string& metric);
/// What each case contributes to a metric, by id: mean_of_case where it is defined; of a metric of
/// the set the mean of its contributions over labels, none unless each label has a value.
COVECTOR_API std::map<std::string, double> by_case(const Measurement& measurement,
                                                   const std::string& metric);
/// Mean over the cases of one label's values, or a metric of the set for a label; counts cases in
/// which the label has a value or an undefined one.
COVECTOR_API Mean mean_of_label(const Measurement& measurement, const std::string& metric,
                                const std::string& label);

/// At most `count` of some cases, evenly spread: neighbours are often slices of one volume.
COVECTOR_API std::vector<std::int64_t> evenly_spread(const std::vector<std::int64_t>& cases,
                                                     std::size_t count);

/// Measures cases one by one, without gradients, in evaluation mode; puts the mode back. Metrics
/// that no case mentions are left out.
/// @param keep_going  asked before each case; returning false ends with what there is so far
COVECTOR_API Measurement measure(
    Task& task, const Dataset& dataset, const std::vector<std::int64_t>& indices, at::Device device,
    const std::function<bool()>& keep_going = [] { return true; });

/// Text of metrics.json: for each metric its unit and direction, its values by case and label with
/// the reason where undefined, those of the set with interval and contributions, and its means
/// ("label": "" for the mean over cases of the means over labels).
/// @param weights  which weights were measured: "best" or "last"
COVECTOR_API std::string to_json(const Measurement& measurement, const std::string& weights,
                                 std::int64_t step);
/// Reads that text back. Throws Error with the path.
COVECTOR_API Measurement read_measurement(const std::filesystem::path& metrics_file);

/// One line a metric: "DSC 81.32 % (undefined in 2 of 14 cases)", "AUC 83.1 % (95 % interval 77.2
/// to 89)", "AUC undefined: no case is of the class (mass)".
COVECTOR_API std::string to_text(const Measurement& measurement);

}  // namespace covector
