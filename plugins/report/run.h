#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace covector::report {

struct Point {
  double step;
  double value;
};
/// The numbers of log.jsonl by name, in the order of the steps.
using Log = std::map<std::string, std::vector<Point>>;

struct Metric {
  std::string name, unit;
  bool higher_is_better = true;
};

/// One value of one case, as metrics.json has it.
struct CaseValue {
  std::string case_id, metric, label;
  std::optional<double> value;
  std::string note;
};

/// One value of a metric of all cases together, such as an area under a curve.
struct SetValue {
  std::string metric, label;
  std::optional<double> value, low, high;
  std::string note;
};

/// The class of a case and the one it was given.
struct Called {
  std::string truth, prediction;
};

struct Picture {
  std::filesystem::path file;
  std::string title;
};
/// The pictures of one step.
struct PictureSet {
  std::int64_t step;
  std::vector<Picture> pictures;
};

/// A run folder as it was found. Whatever is missing or cannot be read is said in `problems` and
/// left empty.
struct Run {
  std::filesystem::path folder;
  std::string kind;  // "pretrain" or "adapt"
  std::string part;  // type of the method or task
  std::string backbone, dataset;
  std::string pretrained_from;  // [pretrained] run of an adapt recipe; empty: from scratch
  std::int64_t seed = 0;

  std::string state = "none";  // as status.json: running, stopped, failed, finished
  std::string error;
  std::int64_t step = 0, steps = 0;  // no steps: a method that trains nothing

  Log log;
  std::string main_metric;
  std::vector<Metric> metrics;
  std::vector<CaseValue> values;
  std::vector<SetValue> set;
  std::map<std::string, Called> called;  // by case id, of a task that deals in classes of cases
  std::vector<PictureSet> pictures;      // ascending steps
  std::vector<std::string> skipped;

  std::string recipe;  // text with the origin of each value
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> plugins;  // "cover 0.1.0"
  std::string reconstruction;        // that the part is one, and from what; else empty
  std::vector<std::string> problems;
};

/// Whether a metric is of all the run's cases together, and no mean over them.
bool is_of_set(const Run& run, const std::string& metric);
/// Whether the folder holds a recipe.toml, which every run writes first.
bool is_run(const std::filesystem::path& folder);
/// Throws DataError when the folder holds no run.
Run read_run(const std::filesystem::path& folder);

/// A log of at most about 2 * buckets points a curve: of each stretch of steps the lowest and the
/// highest value, so that no spike is hidden.
std::vector<Point> thinned(const std::vector<Point>& points, std::size_t buckets);

}  // namespace covector::report
