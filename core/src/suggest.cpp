#include "covector/core/suggest.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace covector {
namespace {

// Levenshtein distance with one row of the table.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto substituted = diagonal + (a[i - 1] != b[j - 1] ? 1 : 0);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, substituted}));
    }
  }
  return row.back();
}

}  // namespace

std::string did_you_mean(std::string_view given, const std::vector<std::string>& known) {
  const std::string* best = nullptr;
  auto limit = (given.size() + 2) / 3 + 1;  // about one wrong letter in three
  for (const auto& name : known)
    if (const auto distance = edit_distance(given, name); distance < limit) {
      best = &name;
      limit = distance;
    }
  if (best) return "; did you mean '" + *best + "'?";
  if (known.empty()) return "; there is none";
  std::string list;
  for (const auto& name : known) list += (list.empty() ? "" : ", ") + name;
  return "; known: " + list;
}

}  // namespace covector
