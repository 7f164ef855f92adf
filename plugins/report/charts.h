#pragma once

#include "statistics.h"

#include <string>
#include <vector>

namespace covector::report {

struct Series {
  std::string name;
  std::vector<Point> points;
  int colour = 0;
  bool faint = false;  // thin, and not named in the legend
  bool dashed = false;
};

struct Chart {
  std::string title, about, unit;
  bool logarithmic = false;
  std::vector<Series> series;
  std::string x = "step";  // what the horizontal axis is
  bool x_logarithmic = false;
  bool scattered = false;  // points; only dashed series are lines
};

/// The charts of a page: each leaves an empty canvas where it stands and its numbers in one JSON
/// document, from which the page's script draws it.
class Charts {
 public:
  /// @param buckets  of a curve, each drawn by two points at most; see thinned()
  explicit Charts(std::size_t buckets) : buckets_(buckets) {}
  std::size_t buckets() const { return buckets_; }
  /// The chart's <figure>; nothing when it has no point.
  std::string add(Chart chart);
  std::string json() const;

 private:
  std::size_t buckets_;
  std::vector<Chart> charts_;
};

/// Curves of pretraining runs: one block a run.
std::string pretraining_curves(const Collection& all, Charts& charts);
/// Curves of adaptation: one block an experiment, one colour an arm.
std::string adaptation_curves(const std::vector<Experiment>& all, Charts& charts);

/// The charts of one pretraining run.
std::string curves_of(const Run& run, Charts& charts);
/// The charts of an experiment, as adaptation_curves() has them.
std::string comparison_curves(const Experiment& experiment, Charts& charts);

}  // namespace covector::report
