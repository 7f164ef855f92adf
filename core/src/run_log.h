#pragma once

#include "tensorboard.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace covector {

/// The numbers of a run over its steps: log.jsonl, and the same as a TensorBoard event file.
///
/// A line is one flat JSON object: "step" (steps done), "time" (seconds since 1970), and numbers by
/// name: "loss" ("loss/<phase>" where a method has several), "lr", "gradient_norm",
/// "steps_per_second", "data_wait_share", "memory_mib", the logs of the method or task under their
/// own names, and "validation/<metric>". A value that is not finite is null there.
///
/// When a run is resumed from a checkpoint, the lines after it are dropped, for they will be
/// written again, and the event file is made anew from the lines that stay. So neither ever holds a
/// step twice.
class COVECTOR_API RunLog {
 public:
  /// @param steps_done  of the checkpoint that is resumed from; 0 for a fresh run
  RunLog(const std::filesystem::path& folder, std::int64_t steps_done);
  void write(std::int64_t step, const std::map<std::string, double>& values);

 private:
  std::filesystem::path path_;
  std::ofstream lines_;
  std::optional<EventFile> events_;
};

/// A line of log.jsonl.
struct LoggedStep {
  std::int64_t step;
  std::map<std::string, double> values;  // those that are finite
};
/// The log of a run, a line torn by a crash left out; empty where there is none.
COVECTOR_API std::vector<LoggedStep> read_log(const std::filesystem::path& folder);

}  // namespace covector
