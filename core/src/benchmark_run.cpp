#include "benchmark_run.h"

#include "benchmark_files.h"
#include "cell_choice.h"
#include "cell_pool.h"
#include "cell_state.h"
#include "cost_estimate.h"
#include "covector/core/error.h"
#include "device.h"
#include "run_folder.h"
#include "train_run.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#include <malloc.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <set>
#include <sstream>

namespace covector {
namespace fs = std::filesystem;
namespace {

/// "1 cell", "2 cells"
std::string count_text(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

/// "2 rows x 1 column x 3 seeds"
std::string matrix_text(const BenchmarkPlan& plan) {
  std::set<std::string> rows, backbones, columns;
  std::set<std::int64_t> seeds;
  for (const auto& cell : plan.cells) {
    rows.insert(cell.row);
    backbones.insert(cell.backbone);
    seeds.insert(cell.seed);
    if (!cell.is_pretraining()) columns.insert(cell.column);
  }
  return count_text(rows.size(), "row") + " x " +
         (backbones.size() > 1 ? count_text(backbones.size(), "backbone") + " x " : "") +
         count_text(columns.size(), "column") + " x " + count_text(seeds.size(), "seed");
}

/// "6 cells: 2 done, 1 running, 3 not begun"
std::string states_text(const std::vector<CellState>& states) {
  std::map<CellStage, std::size_t> counts;
  for (const auto& state : states) ++counts[state.stage];
  std::string text;
  for (const auto& [stage, count] : counts)
    text += (text.empty() ? ": " : ", ") + std::to_string(count) + " " + to_string(stage);
  return count_text(states.size(), "cell") + text;
}

/// A run that is done is not begun again, so that its recipe is another has to be seen here.
void check_done_cells(const BenchmarkPlan& plan, Registries& registries, PluginLoader& loader) {
  std::map<std::string, OptionTable> resolved;  // of cells that differ in seed alone
  for (const auto& cell : plan.cells) {
    if (state_of(cell).stage != CellStage::done) continue;
    auto& table = resolved[cell.row + "\n" + cell.backbone + "\n" + cell.column];
    if (table.entries.empty()) table = resolve_recipe(cell.recipe, registries, loader);
    for (const auto* key : {"seed", "pretrained"})
      if (const auto* value = cell.recipe.table.find(key)) table.set(key, *value);
    check_same_recipe(cell.folder, table);
  }
}

std::vector<const Cell*> cells_to_do(const BenchmarkPlan& plan, const std::vector<bool>& chosen,
                                     const std::vector<CellState>& states) {
  std::vector<const Cell*> cells;
  for (std::size_t i = 0; i < plan.cells.size(); ++i)
    if (chosen[i] && states[i].stage != CellStage::done && states[i].stage != CellStage::running)
      cells.push_back(&plan.cells[i]);
  return cells;
}

/// Measures what the cells take and says it.
void tell_estimate(const BenchmarkRequest& request, const std::vector<const Cell*>& cells,
                   const std::vector<CellShare>& shares, const Signals& signals,
                   std::ostream& out) {
  const auto costs =
      probe_cells(cells, output_of(request.run), request.probe, shares.front(), signals, out);
  if (signals.stop_code()) return;
  std::vector<CostedCell> known;
  for (const auto* cell : cells)
    if (const auto cost = costs.find(cell->name); cost != costs.end())
      known.push_back({cell->name, cell->builds_on, cost->second, state_of(*cell).step});
  if (!known.empty())
    out << "  estimate, from a few steps, cases and a checkpoint: "
        << to_text(estimate_of(known, shares.size())) << "\n";
  if (known.size() < cells.size())
    out << "  not in an estimate: " << count_text(cells.size() - known.size(), "cell") << "\n";
  out << std::flush;
}

/// A line for each cell that was not run to its end, and why. @returns whether any failed
bool tell_outcome(const std::vector<CellPool::Work>& works, std::ostream& out) {
  using Fate = CellPool::Fate;
  bool failed = false;
  std::size_t waiting = 0;
  for (const auto& work : works) {
    if (work.fate == Fate::failed || work.fate == Fate::blocked) {
      failed = true;
      out << (work.fate == Fate::failed ? "failed: " : "blocked: ") << work.cell->name << ": "
          << work.reason << "\n";
    } else if (work.fate == Fate::elsewhere) {
      out << work.cell->name << " is " << work.reason << "\n";
    } else if (work.fate == Fate::waiting) {
      ++waiting;
    }
  }
  if (waiting > 0)
    out << count_text(waiting, "cell") << " left that build on cells running elsewhere\n";
  if (failed) out << "the same command again runs what is missing\n";
  out << std::flush;
  return failed;
}

void check_pretraining(const BenchmarkPlan& plan, const Cell& cell) {
  if (cell.is_pretraining()) return;
  const auto state = state_of(*plan.find(cell.builds_on));
  if (state.stage == CellStage::done) return;
  throw Error(cell.name + " builds on " + cell.builds_on + ", which is " + to_string(state.stage) +
              (state.reason.empty() ? "" : " (" + state.reason + ")") + "; run that first");
}

/// What stopped a cell before it could say so in its folder.
void record_failure(const Cell& cell, const std::string& what) {
  const auto status = read_status(cell.folder);
  const bool told = status.state == "failed" && what.find(status.error) != std::string::npos;
  if (told || status.state == "finished") return;
  try {
    fs::create_directories(cell.folder);
    write_status(cell.folder, {"failed", status.step, steps_of(cell), what});
  } catch (const std::exception&) {  // `what` itself is still told
  }
}

}  // namespace

std::vector<CellShare> shares_of(const BenchmarkRequest& request, int threads) {
  const auto& gpus = request.gpus;
  if (request.jobs < 0) throw RecipeError("--jobs must be at least 1");
  if (!gpus.empty() && request.run.device != "auto")
    throw RecipeError("--gpus and --device cannot both be given");
  const auto jobs = request.jobs > 0 ? request.jobs : std::max(1, static_cast<int>(gpus.size()));
  if (jobs < static_cast<int>(gpus.size()))
    throw RecipeError("--jobs " + std::to_string(jobs) + " leaves some of " +
                      count_text(gpus.size(), "GPU") + " without work");
  const auto all = request.run.threads > 0 ? request.run.threads : threads;
  std::vector<CellShare> shares;
  for (int job = 0; job < jobs; ++job)
    shares.push_back(
        {gpus.empty() ? request.run.device : "cuda:" + std::to_string(gpus[job % gpus.size()]),
         jobs == 1 ? request.run.threads : std::max(1, all / jobs)});
  return shares;
}

int run_benchmark(const BenchmarkRequest& request, Registries& registries, PluginLoader& loader,
                  std::ostream& out) {
  const auto output = output_of(request.run);
  const auto plan = plan_benchmark(request.run.recipe, output);
  const auto chosen = choose_cells(plan, request.only, request.skip);
  const auto shares = shares_of(request, at::get_num_threads());
  std::ostringstream ignored;
  check_benchmark(request.run.recipe, registries, loader, ignored);
  check_done_cells(plan, registries, loader);
  malloc_trim(0);  // checking made every network once; their memory is for the cells now
  write_plan(plan, output);

  const Signals signals;
  const auto states = states_of(plan);
  const auto cells = cells_to_do(plan, chosen, states);
  out << plan.recipe.string() << " in " << output.string() << ": " << matrix_text(plan) << ", "
      << states_text(states) << "\n  to run now: " << count_text(cells.size(), "cell") << ", "
      << count_text(shares.size(), "job") << std::endl;
  if (request.estimate && !cells.empty()) tell_estimate(request, cells, shares, signals, out);
  CellPool pool(plan, chosen, shares, request.cell, out);
  if (const auto code = pool.run(signals)) return code;
  update_tables(plan, output, registries, out);
  return tell_outcome(pool.works(), out) ? 1 : 0;
}

int run_cell(const RunRequest& request, const std::string& name, Registries& registries,
             PluginLoader& loader, std::ostream& out) {
  const auto plan = plan_benchmark(request.recipe, output_of(request));
  const auto& cell = cell_named(plan, name);
  check_pretraining(plan, cell);
  const RunRequest own{cell.recipe, cell.folder, request.device, request.threads, request.quiet};
  try {
    return run_training(own, registries, loader, out);
  } catch (const FolderInUse&) {
    throw;
  } catch (const c10::Error& error) {
    record_failure(cell, error.what_without_backtrace());
    throw;
  } catch (const std::exception& error) {
    record_failure(cell, error.what());
    throw;
  }
}

}  // namespace covector
