#pragma once

#include "covector/core/export.h"

#include <string>
#include <string_view>
#include <vector>

namespace covector {

/// "; did you mean 'x'?" when a known name is near, else "; known: a, b, c".
COVECTOR_API std::string did_you_mean(std::string_view given,
                                      const std::vector<std::string>& known);

}  // namespace covector
