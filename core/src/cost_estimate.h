#pragma once

#include "benchmark_run.h"
#include "cell_cost.h"
#include "signals.h"

#include <iosfwd>
#include <map>
#include <string>
#include <vector>

namespace covector {

/// A cell that is to be run, and what it takes.
struct CostedCell {
  std::string name;
  std::string builds_on;
  CellCost cost;
  std::int64_t steps_done = 0;  // of cost.steps
};

/// What running some cells takes.
struct Estimate {
  double seconds = 0;     // from the first cell's beginning to the last one's end
  double memory_mib = 0;  // when those cells run side by side that take most
  double disk_mib = 0;
};
/// Cells begin in their order, each as soon as a job is free and what it builds on is done.
COVECTOR_API Estimate estimate_of(const std::vector<CostedCell>& cells, std::size_t jobs);
/// "about 2 h 10 min, 1.9 GiB of memory, 340 MiB of disk"
COVECTOR_API std::string to_text(const Estimate& estimate);

/// Cells of fewer steps are not measured, which would take about as long as to run them.
constexpr std::int64_t kFewSteps = 50;

/// Measures each configuration among some cells, a cell's recipe but for its seed, in a process of
/// its own. What was measured before on the same share of the same machine is taken from costs.json
/// in the benchmark's folder. A cell that cannot be measured is told and left out.
/// @returns  by the name of the cell
COVECTOR_API std::map<std::string, CellCost> probe_cells(const std::vector<const Cell*>& cells,
                                                         const std::filesystem::path& output,
                                                         const CellCommand& probe,
                                                         const CellShare& share,
                                                         const Signals& signals, std::ostream& out);

}  // namespace covector
