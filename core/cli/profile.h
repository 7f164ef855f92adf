#pragma once

#include "bench.h"

#include <nlohmann/json.hpp>

#include <string>

namespace covector::cli {

/// A profile for people: a line on the step as a whole, then a table of its parts.
std::string to_text(const Profile& profile);
nlohmann::ordered_json to_json(const Profile& profile);

}  // namespace covector::cli
