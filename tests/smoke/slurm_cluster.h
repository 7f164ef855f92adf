#pragma once

#include "support/process.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace covector::testing {

/// A cluster of this machine alone: Slurm's own daemons, and munged for their passports, with all
/// their files in a folder of their own. Ends with the object.
class SlurmCluster {
 public:
  /// None, with the reason, where the daemons are not installed or do not come up.
  static std::optional<SlurmCluster> start(std::string& reason);

  /// What Slurm's programs need in their environment.
  std::string environment() const { return "SLURM_CONF=" + (*folder_ / "slurm.conf").string(); }
  /// Runs one of Slurm's programs to its end.
  Finished command(const std::string& program, const std::vector<std::string>& words) const;

 private:
  SlurmCluster();
  void write_configuration() const;
  void start_daemon(const std::string& program, const std::vector<std::string>& words);

  std::unique_ptr<ScratchFolder> folder_ = std::make_unique<ScratchFolder>();
  std::vector<Process> daemons_;
};

}  // namespace covector::testing
