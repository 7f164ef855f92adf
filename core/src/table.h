#pragma once

#include "measure.h"

#include <cstdint>
#include <string>
#include <vector>

namespace covector {

/// What one cell of a benchmark measured.
struct CellResult {
  std::string row;     // the pretraining
  std::string column;  // the task
  std::int64_t seed = 0;
  Measurement measurement;
};

/// Difference of a row to the baseline, paired by case. Of a metric of the set, such as an area
/// under a curve, the pairs are what each case contributes to it (SetValue).
struct Paired {
  double difference = 0;  // mean over cases of (row - baseline), each the mean over its seeds
  double low = 0;         // 95 % interval: percentiles 2.5 and 97.5 of bootstrapped means
  double high = 0;
  std::int64_t cases = 0;  // those with a value in both
};

/// One number of the table: a metric of a task under a pretraining.
struct TableEntry {
  std::string row;
  std::string column;
  Metric metric;
  std::optional<double> mean;    // over cases, then over seeds
  std::optional<double> spread;  // standard deviation over seeds (n - 1); none with one seed
  std::int64_t seeds = 0;
  std::int64_t undefined = 0;  // case values left out of the means, over all seeds
  bool of_set = false;         // of all cases together, no mean over them
  std::optional<Paired> against_baseline;
  std::string note;           // of the row: that it is a reconstruction, and from what
  std::string backbone = {};  // that the row is of, where a benchmark has several
};

/// Entries in the order in which rows, columns and metrics first appear.
/// @param baseline  the row to compare the others with; empty for none
/// @param notes     what is to stand beside the name of a row wherever it is shown
COVECTOR_API std::vector<TableEntry> make_table(
    const std::vector<CellResult>& cells, const std::string& baseline,
    const std::map<std::string, std::string>& notes = {});
COVECTOR_API std::string to_markdown(const std::vector<TableEntry>& table,
                                     const std::string& baseline);
COVECTOR_API std::string to_json(const std::vector<TableEntry>& table, const std::string& baseline);

/// 95 % percentile interval of the mean under resampling of the values with replacement, 10,000
/// times, from a fixed stream.
COVECTOR_API std::pair<double, double> bootstrap_interval(const std::vector<double>& values);

}  // namespace covector
