#include "collection.h"

#include "covector/core/error.h"

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

void read_table(Collection& all, const fs::path& benchmark) {
  const auto path = benchmark / "table.json";
  if (!fs::exists(path)) {
    all.problems.push_back(path.string() + " is missing: the benchmark has not finished");
    return;
  }
  std::ifstream file(path);
  try {
    const auto json = nlohmann::json::parse(file);
    for (const auto& entry : json.at("entries"))
      if (entry.contains("against_baseline")) {
        const auto& paired = entry.at("against_baseline");
        all.differences.push_back({entry.at("pretraining"),
                                   experiment_of(entry.at("task"), entry.value("backbone", "")),
                                   entry.at("metric"), paired.at("difference"), paired.at("low"),
                                   paired.at("high"), paired.at("cases")});
      }
  } catch (const nlohmann::json::exception& error) {
    all.problems.push_back(path.string() + " cannot be read: " + error.what());
  }
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
    if (!is_run(folder)) read_table(all, folder);
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
  all.title =
      folders.size() == 1 ? name_of(folders.front()) : std::to_string(seen.size()) + " runs";
  return all;
}

}  // namespace covector::report
