#pragma once

#include "charts.h"

#include <string>
#include <vector>

namespace covector::report {

/// Names of the arms in the order of the table, those it does not know after them.
std::vector<std::string> method_names(const Collection& all);

/// The pretrainings beside each other as they ended: what each monitor last said.
std::string ends_of_pretraining(const Collection& all);

/// A part #method-N for each of the names that can be opened: what it measured, its curves in both
/// phases, pictures of what pretraining saw and its own best and worst case of each task.
std::string method_sections(const Collection& all, const std::vector<Experiment>& measured,
                            const std::vector<std::string>& names, Charts& charts);

}  // namespace covector::report
