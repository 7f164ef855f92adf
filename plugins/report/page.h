#pragma once

#include "collection.h"

#include <string>

namespace covector::report {

/// The whole page: one HTML document that asks for nothing from outside.
std::string page(const Collection& all);

}  // namespace covector::report
