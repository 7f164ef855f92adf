#pragma once

#include "charts.h"

#include <string>

namespace covector::report {

/// The analyses of the benchmarks: curves, bars, scatter plots, pictures and tables, each with what
/// it says about itself. Empty when there is none.
std::string analyses(const Collection& all, Charts& charts);

}  // namespace covector::report
