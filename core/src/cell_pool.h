#pragma once

#include "benchmark_run.h"
#include "cell_state.h"
#include "child_process.h"
#include "signals.h"

#include <chrono>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace covector {

/// Runs the cells of a benchmark as processes, some at a time, in the order of its plan.
class CellPool {
 public:
  enum class Fate {
    left_out,   // not chosen
    done,       // now or before
    waiting,    // for its pretraining or a share of the machine
    running,    // here
    elsewhere,  // run by another process
    failed,
    blocked,  // what it builds on is not done and will not be
    stopped   // by a signal that stopped this process
  };
  struct Work {
    const Cell* cell;
    Fate fate = Fate::waiting;
    std::string reason = {};  // of one that failed, is blocked or runs elsewhere
    pid_t process = 0;
    std::size_t share = 0;
    std::chrono::steady_clock::time_point begun = {};
  };

  /// @param chosen   of the plan's cells, one value each
  /// @param shares   one for each cell that runs at a time
  /// @param command  starts a cell
  CellPool(const BenchmarkPlan& plan, const std::vector<bool>& chosen,
           std::vector<CellShare> shares, CellCommand command, std::ostream& out);

  /// @returns  the code of the signal that stopped it, or 0
  int run(const Signals& signals);
  const std::vector<Work>& works() const { return works_; }

 private:
  void settle_blocked();
  void start_what_can();
  bool can_start(Work& work);
  void start(Work& work, std::size_t share);
  void reap();
  void finish(Work& work, const Ending& ending);
  void fail(Work& work, const Ending& ending);
  void look_elsewhere();
  bool has_reason_to_wait();
  void stop(int signal);
  void tell(const Work& work, const std::string& what);
  std::size_t count(Fate fate) const;
  Work& named(const std::string& name);
  std::optional<std::size_t> free_share() const;

  using Clock = std::chrono::steady_clock;
  std::vector<CellShare> shares_;
  CellCommand command_;
  std::ostream& out_;
  std::vector<Work> works_;
  std::optional<Clock::time_point> idle_since_;
  Clock::time_point looked_ = {};
};

}  // namespace covector
