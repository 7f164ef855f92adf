#include "cell_state.h"

#include "plan.h"
#include "run_folder.h"

#include <map>

namespace covector {
namespace {

/// A run of a method that trains nothing is done at step 0 of 0.
bool is_done(const RunStatus& status, const Cell& cell) {
  return status.state == "finished" && (status.steps == 0 || status.step >= steps_of(cell));
}

CellStage stage_of(const RunStatus& status) {
  if (status.state == "none") return CellStage::not_begun;
  return status.state == "failed" ? CellStage::failed : CellStage::stopped;
}

}  // namespace

std::string to_string(CellStage stage) {
  switch (stage) {
    case CellStage::not_begun:
      return "not begun";
    case CellStage::running:
      return "running";
    case CellStage::stopped:
      return "stopped";
    case CellStage::failed:
      return "failed";
    case CellStage::blocked:
      return "blocked";
    case CellStage::done:
      return "done";
  }
  return "";
}

std::int64_t steps_of(const Cell& cell) {
  const auto* loop = cell.recipe.table.find("loop");
  const auto* steps = loop && loop->as_table() ? loop->as_table()->find("steps") : nullptr;
  const auto* number = steps ? std::get_if<std::int64_t>(&steps->data) : nullptr;
  return number ? *number : LoopOptions{}.steps;
}

CellState state_of(const Cell& cell) {
  const auto status = read_status(cell.folder);
  CellState state{stage_of(status), status.step, status.steps, {}, status.error};
  if (is_done(status, cell))
    state.stage = CellStage::done;
  else if ((state.owner = owner_of(cell.folder)))
    state.stage = CellStage::running;
  if (status.state == "none") state.steps = steps_of(cell);
  return state;
}

std::vector<CellState> states_of(const BenchmarkPlan& plan) {
  std::vector<CellState> states;
  std::map<std::string, CellStage> stages;
  for (const auto& cell : plan.cells) {
    auto state = state_of(cell);
    const bool builds_on_failed =
        !cell.is_pretraining() && stages.at(cell.builds_on) == CellStage::failed;
    if (builds_on_failed && state.stage != CellStage::running && state.stage != CellStage::done) {
      state.stage = CellStage::blocked;
      state.reason = cell.builds_on + " failed";
    }
    stages[cell.name] = state.stage;
    states.push_back(std::move(state));
  }
  return states;
}

}  // namespace covector
