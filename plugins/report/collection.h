#pragma once

#include "analysis.h"
#include "result_table.h"
#include "run.h"

#include <filesystem>
#include <string>
#include <vector>

namespace covector::report {

/// A run and its place among the others on the page.
struct Placed {
  Run run;
  std::string name;          // unique, for headings: the folder below the benchmark, or as given
  std::string arm;           // what the backbone began with: name of the pretraining, or "scratch"
  std::string experiment;    // the adapt recipe's name in a benchmark; else task and dataset
  bool is_baseline = false;  // began with weights that no pretraining has seen
  std::string note;          // of the pretraining: that it is a reconstruction, and from what
};

/// A line of a benchmark's table.json: what an arm differs from the baseline by, paired by case.
struct CaseDifference {
  std::string arm, experiment, metric;
  double difference = 0, low = 0, high = 0;
  std::int64_t cases = 0;
};

/// A cell of a benchmark that holds no run, and why.
struct MissingCell {
  std::string name, reason;
};

/// Everything that goes on one page.
struct Collection {
  std::string title;
  std::vector<CaseDifference> differences;
  std::vector<ResultTable> tables;  // of the benchmarks
  std::vector<Analysis> analyses;   // of the benchmarks
  std::vector<MissingCell> missing;
  bool has_benchmark = false;
  std::vector<Placed> pretrain, adapt;
  std::vector<std::string> problems;
};

/// Reads run folders and benchmark folders (those that hold pretrain/ or adapt/), each run once.
/// Throws DataError with the path for anything else.
Collection collect(const std::vector<std::filesystem::path>& folders);

}  // namespace covector::report
