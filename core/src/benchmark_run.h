#pragma once

#include "benchmark.h"

#include <functional>
#include <string>
#include <vector>

namespace covector {

/// What a cell gets of the machine.
struct CellShare {
  std::string device;  // as --device
  int threads = 0;     // as --threads
};

/// The words that start a process for a cell, the program first.
using CellCommand = std::function<std::vector<std::string>(const Cell&, const CellShare&)>;

/// What the command line adds to a benchmark.
struct BenchmarkRequest {
  RunRequest run;
  int jobs = 0;                   // cells at a time; 0: one, or one a GPU of `gpus`
  std::vector<int> gpus;          // that cells are spread over; none: all on the device of `run`
  std::vector<std::string> only;  // patterns; see choose_cells()
  std::vector<std::string> skip;
  bool estimate = true;  // whether to measure first what the cells take
  CellCommand cell;      // runs one: what run_cell() does, in a process of its own
  CellCommand probe;     // prints what measure_cost() says of one
};

/// Prints the plan with an estimate, runs the cells that are not done, each in a process of its
/// own, then writes and prints the tables. A cell that fails stops no other, but for those that
/// build on it. A cell that another process runs is left to it; where nothing else is to be done,
/// such cells are waited for up to a minute. SIGTERM and SIGINT go on to the cells, which write
/// checkpoints.
///
/// @returns  0; 1 when a cell failed; the code of the signal that stopped it (143, 130)
/// @throws   RecipeError when the recipe, one that it names or a pattern is not valid, or a folder
///           holds a run of another recipe
COVECTOR_API int run_benchmark(const BenchmarkRequest& request, Registries& registries,
                               PluginLoader& loader, std::ostream& out);

/// Runs a single cell in this process, as run_training() does. What stops it is recorded in its
/// folder.
/// @param request  of the benchmark
/// @throws  RecipeError when there is no such cell; Error when its pretraining is not done;
///          FolderInUse when another process runs it
COVECTOR_API int run_cell(const RunRequest& request, const std::string& name,
                          Registries& registries, PluginLoader& loader, std::ostream& out);

/// A cell's share for each job that runs at a time: the threads divided among them, the GPUs in
/// turn.
/// @param threads  of the machine
/// @throws  RecipeError when jobs, GPUs and device do not go together
COVECTOR_API std::vector<CellShare> shares_of(const BenchmarkRequest& request, int threads);

}  // namespace covector
