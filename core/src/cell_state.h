#pragma once

#include "benchmark.h"
#include "owner.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace covector {

enum class CellStage {
  not_begun,
  running,  // by a process that lives
  stopped,  // by a signal, or with the process that ran it
  failed,
  blocked,  // the pretraining that it builds on has failed
  done
};
/// "not begun", "running" ...
COVECTOR_API std::string to_string(CellStage stage);

/// Where a cell stands.
struct CellState {
  CellStage stage = CellStage::not_begun;
  std::int64_t step = 0;
  std::int64_t steps = 0;
  std::optional<Owner> owner = {};  // of one that is running
  std::string reason = {};          // of one that failed or is blocked
};

/// What the folder of a cell says of it.
COVECTOR_API CellState state_of(const Cell& cell);
/// Of all cells; those that build on a failed one are blocked unless they run or are done.
COVECTOR_API std::vector<CellState> states_of(const BenchmarkPlan& plan);

/// How many steps a cell is to take, by its recipe.
COVECTOR_API std::int64_t steps_of(const Cell& cell);

}  // namespace covector
