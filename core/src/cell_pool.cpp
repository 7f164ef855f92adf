#include "cell_pool.h"

#include "duration.h"
#include "run_folder.h"

#include <algorithm>
#include <csignal>
#include <ostream>
#include <thread>

namespace covector {
namespace fs = std::filesystem;
namespace {

using namespace std::chrono_literals;
constexpr auto kMoment = 20ms;   // between looks at the processes
constexpr auto kLook = 1s;       // between looks at cells that run elsewhere
constexpr auto kPatience = 60s;  // with cells that run elsewhere, when nothing else is to be done

/// Where the output of cells goes that run side by side.
fs::path log_of(const Cell& cell, std::size_t jobs) {
  return jobs > 1 ? cell.folder / "output.txt" : fs::path();
}

}  // namespace

CellPool::CellPool(const BenchmarkPlan& plan, const std::vector<bool>& chosen,
                   std::vector<CellShare> shares, CellCommand command, std::ostream& out)
    : shares_(std::move(shares)), command_(std::move(command)), out_(out) {
  for (std::size_t i = 0; i < plan.cells.size(); ++i) {
    Work work{&plan.cells[i]};
    if (state_of(*work.cell).stage == CellStage::done)
      work.fate = Fate::done;
    else if (!chosen[i])
      work.fate = Fate::left_out;
    works_.push_back(work);
  }
}

int CellPool::run(const Signals& signals) {
  while (true) {
    reap();
    if (const auto code = signals.stop_code()) {
      stop(code - 128);
      return code;
    }
    look_elsewhere();
    settle_blocked();
    start_what_can();
    if (count(Fate::running) > 0)
      idle_since_.reset();
    else if (!has_reason_to_wait())
      return 0;
    std::this_thread::sleep_for(kMoment);
  }
}

CellPool::Work& CellPool::named(const std::string& name) {
  return *std::find_if(works_.begin(), works_.end(),
                       [&](const Work& work) { return work.cell->name == name; });
}

std::size_t CellPool::count(Fate fate) const {
  return static_cast<std::size_t>(std::count_if(
      works_.begin(), works_.end(), [&](const Work& work) { return work.fate == fate; }));
}

void CellPool::tell(const Work& work, const std::string& what) {
  const auto number = &work - works_.data() + 1;
  out_ << "[" << number << "/" << works_.size() << "] " << work.cell->name << what << std::endl;
}

/// Pretrainings stand before what builds on them, so one pass is enough.
void CellPool::settle_blocked() {
  for (auto& work : works_) {
    if (work.fate != Fate::waiting || work.cell->is_pretraining()) continue;
    const auto& base = named(work.cell->builds_on);
    if (base.fate == Fate::failed)
      work.reason = "builds on " + base.cell->name + ", which failed";
    else if (base.fate == Fate::left_out)
      work.reason = "builds on " + base.cell->name + ", which is not done and was left out";
    else
      continue;
    work.fate = Fate::blocked;
  }
}

std::optional<std::size_t> CellPool::free_share() const {
  for (std::size_t share = 0; share < shares_.size(); ++share)
    if (std::none_of(works_.begin(), works_.end(), [&](const Work& work) {
          return work.fate == Fate::running && work.share == share;
        }))
      return share;
  return std::nullopt;
}

void CellPool::start_what_can() {
  for (auto& work : works_) {
    const auto share = free_share();
    if (!share) return;
    if (can_start(work)) start(work, *share);
  }
}

/// Whether it waits for nothing but us. Another process may have begun or ended it in the meantime.
bool CellPool::can_start(Work& work) {
  if (work.fate != Fate::waiting) return false;
  if (!work.cell->is_pretraining() && named(work.cell->builds_on).fate != Fate::done) return false;
  const auto state = state_of(*work.cell);
  if (state.stage == CellStage::done) {
    work.fate = Fate::done;
    tell(work, ": done elsewhere");
  } else if (state.stage == CellStage::running) {
    work.fate = Fate::elsewhere;
    work.reason = "running elsewhere by " + to_string(*state.owner);
    tell(work, ": " + work.reason);
  }
  return work.fate == Fate::waiting;
}

void CellPool::start(Work& work, std::size_t share) {
  tell(work, "");
  work.process =
      start_process(command_(*work.cell, shares_[share]), log_of(*work.cell, shares_.size()));
  work.fate = Fate::running;
  work.share = share;
  work.begun = Clock::now();
}

void CellPool::reap() {
  for (auto& work : works_)
    if (work.fate == Fate::running)
      if (const auto ending = ending_of(work.process)) finish(work, *ending);
}

void CellPool::finish(Work& work, const Ending& ending) {
  if (ending.signal == 0 && ending.code == 0) {
    work.fate = Fate::done;
    const std::chrono::duration<double> taken = Clock::now() - work.begun;
    if (shares_.size() > 1) tell(work, ": done in " + duration_text(taken.count()));
  } else if (ending.signal == 0 && ending.code == kFolderInUse) {
    work.fate = Fate::elsewhere;
    const auto owner = owner_of(work.cell->folder);
    work.reason = "running elsewhere" + (owner ? " by " + to_string(*owner) : std::string());
    tell(work, ": " + work.reason);
  } else {
    fail(work, ending);
  }
}

/// A process that threw has recorded why; one that a signal ended has not, which is made up for.
void CellPool::fail(Work& work, const Ending& ending) {
  auto status = read_status(work.cell->folder);
  const bool asked_to_stop = ending.code == 128 + SIGTERM || ending.code == 128 + SIGINT;
  work.fate = Fate::failed;
  if (ending.signal != 0) {
    work.reason = to_string(ending);
    write_status(work.cell->folder, {"failed", status.step, status.steps, work.reason});
  } else if (asked_to_stop) {
    work.reason = "was stopped by a signal of its own, after a checkpoint";
  } else {
    work.reason = status.state == "failed" ? status.error : to_string(ending);
  }
  tell(work, ": failed: " + work.reason);
}

/// What has become of the cells that other processes took.
void CellPool::look_elsewhere() {
  if (Clock::now() - looked_ < kLook) return;
  looked_ = Clock::now();
  for (auto& work : works_) {
    if (work.fate != Fate::elsewhere) continue;
    const auto state = state_of(*work.cell);
    if (state.stage == CellStage::running) continue;
    work.fate = state.stage == CellStage::done     ? Fate::done
                : state.stage == CellStage::failed ? Fate::failed
                                                   : Fate::waiting;
    work.reason = state.stage == CellStage::failed ? state.reason : "";
    tell(work, work.fate == Fate::waiting ? ": left by the process that ran it"
                                          : ": " + to_string(state.stage) + " elsewhere" +
                                                (work.reason.empty() ? "" : ": " + work.reason));
  }
}

/// Cells that run elsewhere may soon be done, or left to us, or free those that build on them.
bool CellPool::has_reason_to_wait() {
  const auto elsewhere = count(Fate::elsewhere);
  if (elsewhere == 0) return false;
  if (!idle_since_) {
    idle_since_ = Clock::now();
    out_ << "nothing left to begin here; waiting up to " << kPatience.count() << " s for "
         << elsewhere << " running elsewhere" << std::endl;
  }
  return Clock::now() - *idle_since_ < kPatience;
}

void CellPool::stop(int signal) {
  for (const auto& work : works_)
    if (work.fate == Fate::running) kill(work.process, signal);
  for (auto& work : works_) {
    while (work.fate == Fate::running) {
      if (const auto ending = ending_of(work.process)) {
        const bool done = ending->signal == 0 && ending->code == 0;
        work.fate = done ? Fate::done : Fate::stopped;
      } else {
        std::this_thread::sleep_for(kMoment);
      }
    }
  }
}

}  // namespace covector
