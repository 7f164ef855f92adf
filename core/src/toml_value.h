#pragma once

#include "covector/core/option_table.h"

#include <optional>
#include <string_view>

namespace covector {

/// A text that is one TOML value and nothing else, as that value.
std::optional<OptionValue> parse_toml_value(std::string_view text);

}  // namespace covector
