#pragma once

#include "covector/core/export.h"

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace covector {

/// What a run tells while it works.
struct Pace {
  std::int64_t step = 0;
  std::int64_t total = 0;
  double loss = 0;
  double steps_per_second = 0;
  double wait_share = 0;  // of the time, spent waiting for data
};

/// "step 120/2000  loss 0.4312  3.1 steps/s  10:03 left", with "  waiting for data 12 %" when that
/// is 5 % or more.
COVECTOR_API std::string to_line(const Pace& pace);

enum class ProgressStyle { terminal, plain, quiet };
/// A line that is rewritten in place on a terminal; plain lines when `out` is not the standard
/// output, that is no terminal, or a batch system (Slurm, LSF) runs the program.
COVECTOR_API ProgressStyle progress_style(const std::ostream& out, bool quiet);

/// Shows the pace of a run in one of the styles.
class COVECTOR_API Progress {
 public:
  Progress(std::ostream& out, ProgressStyle style);
  ~Progress();
  void show(const Pace& pace);
  /// A line that stays: a result or a warning, shown even when quiet.
  void say(const std::string& line);
  /// A line that stays, unless quiet.
  void note(const std::string& line);

 private:
  std::ostream& out_;
  ProgressStyle style_;
  bool open_line_ = false;
};

}  // namespace covector
