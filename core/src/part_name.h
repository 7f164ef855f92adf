#pragma once

#include <algorithm>
#include <string_view>

namespace covector {

/// What names of plug-ins and parts look like; ends a message about one that does not.
inline constexpr auto kPartNameRule =
    "a name is a small letter, then small letters, digits and '_'";

inline bool is_part_name(std::string_view name) {
  const auto lower = [](char c) { return 'a' <= c && c <= 'z'; };
  return !name.empty() && lower(name.front()) && std::all_of(name.begin(), name.end(), [&](char c) {
    return lower(c) || ('0' <= c && c <= '9') || c == '_';
  });
}

}  // namespace covector
