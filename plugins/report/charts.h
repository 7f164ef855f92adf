#pragma once

#include "collection.h"

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
};

/// The charts of a page: each leaves an empty canvas where it stands and its numbers in one JSON
/// document, from which the page's script draws it.
class Charts {
 public:
  /// The chart's <figure>; nothing when it has no point.
  std::string add(Chart chart);
  std::string json() const;

 private:
  std::vector<Chart> charts_;
};

/// Curves of pretraining runs: one block a run.
std::string pretraining_curves(const Collection& all, Charts& charts);
/// Curves of adaptation: one block an experiment, one colour an arm.
std::string adaptation_curves(const Collection& all, Charts& charts);

}  // namespace covector::report
