#pragma once

#include "covector/core/option_table.h"

#include <nlohmann/json.hpp>

namespace covector::cli {

/// An option's value as JSON; numbers that JSON lacks (inf, nan) as the words TOML has for them.
nlohmann::ordered_json to_json(const OptionValue& value);

}  // namespace covector::cli
