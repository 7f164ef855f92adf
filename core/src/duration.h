#pragma once

#include "covector/core/export.h"

#include <string>

namespace covector {

/// "48 s", "3 min", "2 h 10 min", "1 d 3 h"
COVECTOR_API std::string duration_text(double seconds);

}  // namespace covector
