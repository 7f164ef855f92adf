#pragma once

#include "collection.h"

#include <string>

namespace covector::report {

/// A list of what did not finish, is missing or could not be read, with the reasons; empty when
/// everything is there.
std::string problems_of(const Collection& all);

/// A part for each run that can be opened: its recipe with the origin of each value, plug-ins,
/// environment, command, date, and the fingerprint of its data. Recipes are bounded; where one is
/// left out, the page says where it is.
std::string provenance(const Collection& all);

}  // namespace covector::report
