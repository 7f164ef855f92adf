#include "analysis/runs.h"

#include "benchmark_files.h"
#include "covector/core/error.h"
#include "plan.h"
#include "table.h"

#include <algorithm>
#include <iterator>

namespace covector::analysis {
namespace fs = std::filesystem;
namespace {

bool is_benchmark(const fs::path& folder) {
  return fs::exists(folder / "plan.json");
}

/// The last part of a path, be there a slash behind it or not.
std::string name_of(const fs::path& folder) {
  return folder.has_filename() ? folder.filename().string()
                               : folder.parent_path().filename().string();
}

void check_kind(const fs::path& folder, const std::string& kind) {
  if (!fs::exists(folder / "recipe.toml"))
    throw RecipeError(folder.string() + " is neither a run folder nor a benchmark's: it has no " +
                      "recipe.toml and no plan.json");
  const auto found = kind_of(load_recipe(folder / "recipe.toml"));
  if (found != kind)
    throw RecipeError(folder.string() + " is a run of kind " + found + "; this analysis is of " +
                      kind + " runs");
}

std::string row_of(const Cell& cell) {
  return row_title(cell.row, cell.backbone);
}

}  // namespace

std::vector<NamedRun> pretrainings(const std::vector<fs::path>& folders) {
  std::vector<NamedRun> runs;
  for (const auto& folder : folders) {
    if (!is_benchmark(folder)) {
      check_kind(folder, "pretrain");
      runs.push_back({name_of(folder), folder});
      continue;
    }
    std::vector<std::string> seen;
    for (const auto& cell : read_plan_file(folder).cells) {
      const auto row = row_of(cell);
      const bool known = std::find(seen.begin(), seen.end(), row) != seen.end();
      if (!cell.is_pretraining() || known || !fs::exists(cell.folder / "checkpoints")) continue;
      seen.push_back(row);
      runs.push_back({row, cell.folder});
    }
  }
  if (runs.empty()) throw RecipeError("no pretraining has a checkpoint yet; run the recipe first");
  return runs;
}

std::vector<Repetitions> repetitions(const std::vector<fs::path>& folders) {
  std::vector<Repetitions> groups;
  Repetitions named{"runs", "as named", {}};
  for (const auto& folder : folders) {
    if (!is_benchmark(folder)) {
      check_kind(folder, "adapt");
      if (!fs::exists(folder / "metrics.json"))
        throw RecipeError(folder.string() + " has no metrics.json; its run is not finished");
      named.runs.push_back({name_of(folder), folder});
      continue;
    }
    for (const auto& cell : read_plan_file(folder).cells) {
      if (cell.is_pretraining() || !fs::exists(cell.folder / "metrics.json")) continue;
      auto group = std::find_if(groups.begin(), groups.end(), [&](const Repetitions& other) {
        return other.column == cell.column && other.row == row_of(cell);
      });
      if (group == groups.end()) {
        groups.push_back({cell.column, row_of(cell), {}});
        group = std::prev(groups.end());
      }
      group->runs.push_back({"seed " + std::to_string(cell.seed), cell.folder});
    }
  }
  groups.push_back(std::move(named));
  std::erase_if(groups, [](const Repetitions& group) { return group.runs.size() < 2; });
  if (groups.empty())
    throw RecipeError("no task has finished with two seeds; test-retest compares runs in pairs");
  return groups;
}

}  // namespace covector::analysis
