#pragma once

#include "statistics.h"

#include <string>

namespace covector::report {

/// One sentence an experiment: what pretraining was worth there, and whether that is settled.
std::string verdict(const Experiment& experiment);
/// Plot of intervals, table of arms, table of classes, table of intervals over cases.
std::string results(const std::vector<Experiment>& all);
/// A row a case and run, sortable.
std::string case_tables(const std::vector<Experiment>& all);
/// A row a case and a column an arm, of the first metric that cases have values of, each the mean
/// over labels and seeds; sortable. For experiments of many arms.
std::string case_comparison(const std::vector<Experiment>& all);

/// Names of the labels that these runs have values for, of one metric where it is named, in the
/// order of the classes.
std::vector<std::string> labels_of(const Experiment& experiment, const std::string& metric = {});
/// Whether a metric is of all cases of a run together, and no mean over them.
bool is_of_set(const Experiment& experiment, const std::string& metric);
/// The metrics that the runs name; empty when none has finished.
std::vector<Metric> metrics_of(const Experiment& experiment);
/// The first metric that the runs name; nothing when none has finished.
const Metric* main_metric(const Experiment& experiment);
/// The first metric that cases have values of, which says which are the best and the worst.
std::optional<Metric> metric_of_cases(const Experiment& experiment);
/// The arm that the others are compared with.
const Arm* baseline_of(const Experiment& experiment);

}  // namespace covector::report
