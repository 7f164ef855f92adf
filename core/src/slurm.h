#pragma once

#include "benchmark.h"

#include <filesystem>
#include <string>
#include <vector>

namespace covector {

/// How cells are to run under Slurm.
struct SlurmRequest {
  /// What runs a cell but for --cell and --threads: the program, "run", the recipe and so on, from
  /// the folder that this process works in.
  std::vector<std::string> command;
  std::filesystem::path output;  // the benchmark's folder
  std::string time;              // as sbatch --time; empty: what the partition has
  std::string partition;         // as sbatch --partition; empty: the cluster's default
  int throttle = 0;              // tasks of an array that run at a time; 0: any number
};

/// Writes into OUTPUT/slurm what submits the cells that are not done: an array of the pretrainings
/// (pretrain.sbatch), one of the tasks (adapt.sbatch), the names of their cells, submit.sh, which
/// hands both to Slurm, the second to begin when the first has ended, and README.md.
/// @returns  that folder
/// @throws   Error when every cell is done or a file cannot be written
COVECTOR_API std::filesystem::path write_slurm(const BenchmarkPlan& plan,
                                               const SlurmRequest& request);

}  // namespace covector
