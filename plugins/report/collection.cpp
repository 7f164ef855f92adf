#include "collection.h"

#include "covector/core/error.h"
#include "html.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <set>

namespace covector::report {
namespace {

namespace fs = std::filesystem;

/// The run folders below a folder, in the order of their names; runs do not hold runs.
void find_runs(const fs::path& folder, std::vector<fs::path>& found) {
  if (is_run(folder)) {
    found.push_back(folder);
    return;
  }
  std::vector<fs::path> inner;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_directory() && !entry.is_symlink()) inner.push_back(entry.path());
  std::sort(inner.begin(), inner.end());
  for (const auto& path : inner) find_runs(path, found);
}

std::string name_of(const fs::path& folder) {
  const auto path = fs::weakly_canonical(folder);
  return path.filename().string();
}

bool trains_nothing(const Run& pretraining) {
  return pretraining.state == "finished" && pretraining.steps == 0;
}

/// What a run that is not part of a benchmark began with, from the run it names.
void place_alone(Placed& placed) {
  auto& run = placed.run;
  placed.experiment = run.part + " on " + run.dataset;
  placed.is_baseline = run.pretrained_from.empty();
  placed.arm = "scratch";
  if (placed.is_baseline) return;
  const fs::path source = run.pretrained_from;
  placed.arm = name_of(source);
  if (!is_run(source)) return;
  const auto pretraining = read_run(source);
  placed.is_baseline = trains_nothing(pretraining);
  placed.arm = placed.is_baseline ? pretraining.part : placed.arm;
  placed.note = pretraining.reconstruction;
}

/// Networks are not compared with each other: a task is an experiment of its own on each.
std::string experiment_of(const std::string& task, const std::string& backbone) {
  return backbone.empty() ? task : task + " with " + backbone;
}

/// Of <benchmark>/adapt/<pretrain>/<adapt>/seed-k the two names; with several backbones
/// <benchmark>/adapt/<pretrain>/<backbone>/<adapt>/seed-k.
void place_in_benchmark(Placed& placed, const fs::path& benchmark) {
  const auto below = placed.run.folder.lexically_relative(benchmark);
  std::vector<std::string> parts;
  for (const auto& part : below) parts.push_back(part.string());
  if (parts.size() < 3) return place_alone(placed);
  placed.arm = parts[1];
  placed.experiment = parts.size() > 4 ? experiment_of(parts[3], parts[2]) : parts[2];
  placed.is_baseline = placed.run.pretrained_from.empty();
}

/// What the pretraining of an arm says about it: a baseline when nothing was trained.
void ask_pretrainings(Collection& all) {
  for (auto& adapt : all.adapt)
    for (const auto& pretrain : all.pretrain) {
      if (pretrain.arm != adapt.arm) continue;
      adapt.is_baseline = adapt.is_baseline || trains_nothing(pretrain.run);
      adapt.note = pretrain.run.reconstruction;
    }
}

/// What the table compared with the baseline by case.
void add_differences(Collection& all, const ResultTable& table) {
  for (const auto& entry : table.entries)
    if (entry.difference)
      all.differences.push_back({entry.row, experiment_of(entry.task, entry.backbone), entry.metric,
                                 *entry.difference, entry.difference_interval.low,
                                 entry.difference_interval.high, entry.difference_cases});
}

void read_table(Collection& all, const fs::path& benchmark) {
  const auto path = benchmark / "table.json";
  if (!fs::exists(path)) {
    all.problems.push_back(path.string() + " is missing: the benchmark has not finished");
    return;
  }
  try {
    auto table = read_result_table(path);
    table.number = all.tables.size();
    add_differences(all, table);
    all.tables.push_back(std::move(table));
  } catch (const nlohmann::json::exception& error) {
    all.problems.push_back(path.string() + " cannot be read: " + error.what());
  }
}

/// What became of a cell's pretraining, where that is why the cell has no run.
std::string reason_of(const Collection& all, const std::string& builds_on) {
  for (const auto& pretrain : all.pretrain) {
    const auto& run = pretrain.run;
    if (pretrain.name != builds_on || run.state == "finished") continue;
    return fmt::format("its pretraining {} is {}{}", builds_on,
                       run.state == "none" ? "not started" : run.state,
                       run.error.empty() ? "" : ": " + run.error);
  }
  return "not begun";
}

/// The cells that plan.json has and the folder has not.
void find_missing(Collection& all, const fs::path& benchmark) {
  const auto path = benchmark / "plan.json";
  if (!fs::exists(path)) return;
  std::ifstream file(path);
  try {
    const auto plan = nlohmann::json::parse(file);
    for (const auto& cell : plan.at("cells")) {
      const std::string name = cell.at("name");
      if (!is_run(benchmark / name))
        all.missing.push_back({name, reason_of(all, cell.value("builds_on", ""))});
    }
  } catch (const nlohmann::json::exception& error) {
    all.problems.push_back(path.string() + " cannot be read: " + error.what());
  }
}

/// Runs in the order of the rows of the first table, those of other rows after them.
void order_as_table(std::vector<Placed>& runs, const ResultTable& table) {
  const auto place = [&](const Placed& placed) {
    return std::find_if(table.rows.begin(), table.rows.end(),
                        [&](const ResultRow& row) { return row.name == placed.arm; }) -
           table.rows.begin();
  };
  std::stable_sort(runs.begin(), runs.end(),
                   [&](const Placed& a, const Placed& b) { return place(a) < place(b); });
}

void read_benchmark(Collection& all, const fs::path& folder) {
  all.has_benchmark = true;
  read_table(all, folder);
  for (auto& analysis : read_analyses(folder, all.problems))
    all.analyses.push_back(std::move(analysis));
}

}  // namespace

Collection collect(const std::vector<fs::path>& folders) {
  Collection all;
  std::set<fs::path> seen;
  for (const auto& folder : folders) {
    const auto benchmark =
        fs::is_directory(folder / "pretrain") || fs::is_directory(folder / "adapt");
    if (!is_run(folder) && !benchmark)
      throw DataError(folder.string() +
                      ": is neither a run folder (it holds no recipe.toml) nor a benchmark folder "
                      "(it holds no pretrain/ or adapt/)");
    std::vector<fs::path> runs;
    if (is_run(folder))
      runs = {folder};
    else
      for (const auto* part : {"pretrain", "adapt"})
        if (fs::is_directory(folder / part)) find_runs(folder / part, runs);
    if (runs.empty()) all.problems.push_back(folder.string() + " holds no run yet");
    if (!is_run(folder)) read_benchmark(all, folder);
    for (const auto& path : runs) {
      if (!seen.insert(fs::weakly_canonical(path)).second) continue;
      Placed placed;
      placed.run = read_run(path);
      placed.name = is_run(folder) ? name_of(path) : path.lexically_relative(folder).string();
      if (placed.run.kind == "adapt") {
        is_run(folder) ? place_alone(placed) : place_in_benchmark(placed, folder);
        all.adapt.push_back(std::move(placed));
      } else {
        const auto below = path.lexically_relative(folder / "pretrain");
        placed.arm = is_run(folder) ? placed.name : below.begin()->string();
        all.pretrain.push_back(std::move(placed));
      }
    }
  }
  ask_pretrainings(all);
  if (!all.tables.empty())
    for (auto* runs : {&all.pretrain, &all.adapt}) order_as_table(*runs, all.tables.front());
  for (const auto& folder : folders)
    if (!is_run(folder)) find_missing(all, folder);
  all.title = folders.size() == 1 ? name_of(folders.front()) : counted(seen.size(), "run");
  return all;
}

}  // namespace covector::report
