#pragma once

#include "benchmark_run.h"
#include "support/toy_runs.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace covector::testing {

/// Writes the recipes of a benchmark of the rows "none" and "toy" and the column "organs".
/// @param options  goes into [benchmark]
/// @param loop     of "toy" and "organs"
inline Recipe write_benchmark(const std::filesystem::path& folder, const std::string& options,
                              const std::string& loop = "steps = 2\nbatch = 2\n") {
  const std::string common = "[dataset]\ntype = \"toy\"\n[backbone]\ntype = \"toy\"\n";
  std::ofstream(folder / "none.toml")
      << "kind = \"pretrain\"\n" + common + "[method]\ntype = \"scratch\"\n";
  std::ofstream(folder / "toy.toml")
      << "kind = \"pretrain\"\n" + common + "[method]\ntype = \"toy\"\n[loop]\n" + loop;
  std::ofstream(folder / "organs.toml")
      << "kind = \"adapt\"\n" + common + "[task]\ntype = \"toy\"\n[loop]\n" + loop;
  std::ofstream(folder / "all.toml")
      << "kind = \"benchmark\"\n[benchmark]\npretrain = [\"none.toml\", \"toy.toml\"]\n"
         "adapt = [\"organs.toml\"]\n" +
             options;
  return load_recipe(folder / "all.toml");
}

/// What is done to cells when they run. Each line is "CELL CALL WHAT": CALL counts the steps and
/// cases of a process, from 0, and WHAT is one of "throw"; "kill" (the cell), "kill-parent",
/// "kill-both" and "stop-parent" (by SIGTERM), each once in the life of the folder; and "slow", 20
/// ms at each call.
using Mishaps = std::vector<std::string>;
void write_mishaps(const std::filesystem::path& folder, const Mishaps& mishaps);

/// A benchmark of toys whose cells run in processes of their own, as `run_benchmark` is asked for
/// it, without an estimate. A cell that comes to its first step adds its name to FOLDER/begun.txt.
/// @param folder  that write_benchmark() and write_mishaps() wrote in
BenchmarkRequest toy_request(const std::filesystem::path& folder,
                             const std::filesystem::path& output, int jobs = 1);

/// The words that run such a benchmark as a process of its own.
std::vector<std::string> toy_benchmark_words(const std::filesystem::path& folder,
                                             const std::filesystem::path& output, int jobs);

/// The names in FOLDER/begun.txt, sorted.
std::vector<std::string> begun_cells(const std::filesystem::path& folder);

}  // namespace covector::testing
