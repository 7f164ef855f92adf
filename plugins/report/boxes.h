#pragma once

#include "statistics.h"

#include <string>
#include <vector>

namespace covector::report {

/// Scores by case of every arm, a box a row with its numbers beside: one table a task, on the first
/// metric that cases have values of.
std::string box_plots(const std::vector<Experiment>& all);

}  // namespace covector::report
