#include "cell_choice.h"

#include "covector/core/error.h"
#include "covector/core/suggest.h"

#include <fnmatch.h>

#include <algorithm>

namespace covector {
namespace {

constexpr std::size_t kNamesShown = 12;

/// "; did you mean ...?", or the names that there are, not all of a large benchmark.
std::string near_names(const std::string& given, const BenchmarkPlan& plan) {
  std::vector<std::string> names;
  for (const auto& cell : plan.cells) names.push_back(cell.name);
  auto text = did_you_mean(given, names);
  if (names.size() <= kNamesShown || text.starts_with("; did")) return text;
  names.resize(kNamesShown);
  return did_you_mean(given, names) + " and " + std::to_string(plan.cells.size() - kNamesShown) +
         " more, which 'covector benchmark status' lists";
}

bool fits(const Cell& cell, const std::string& pattern) {
  return fnmatch(pattern.c_str(), cell.name.c_str(), 0) == 0;
}

/// The cells that fit one of the patterns. Each has to fit one.
std::vector<bool> fitting(const BenchmarkPlan& plan, const std::vector<std::string>& patterns,
                          const std::string& option) {
  std::vector<bool> all(plan.cells.size(), false);
  for (const auto& pattern : patterns) {
    bool any = false;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (fits(plan.cells[i], pattern)) any = all[i] = true;
    if (!any)
      throw RecipeError(option + ": '" + pattern + "' fits no cell" + near_names(pattern, plan));
  }
  return all;
}

}  // namespace

std::vector<bool> choose_cells(const BenchmarkPlan& plan, const std::vector<std::string>& only,
                               const std::vector<std::string>& skip) {
  auto chosen = fitting(plan, only, "--only");
  if (only.empty()) chosen.assign(plan.cells.size(), true);
  const auto skipped = fitting(plan, skip, "--skip");
  for (std::size_t i = 0; i < chosen.size(); ++i) chosen[i] = chosen[i] && !skipped[i];
  if (std::find(chosen.begin(), chosen.end(), true) == chosen.end())
    throw RecipeError("--only and --skip leave no cell to run");
  return chosen;
}

const Cell& cell_named(const BenchmarkPlan& plan, const std::string& name) {
  if (const auto* cell = plan.find(name)) return *cell;
  throw RecipeError("there is no cell '" + name + "'" + near_names(name, plan));
}

}  // namespace covector
