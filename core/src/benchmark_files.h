#pragma once

#include "benchmark.h"

#include <filesystem>

namespace covector {

/// Keeps other processes from writing a benchmark's own files while it lives: its plan and tables.
/// Waits for one that does.
class COVECTOR_API BenchmarkLock {
 public:
  /// @param output  the benchmark's folder; made when it is missing
  explicit BenchmarkLock(const std::filesystem::path& output);
  ~BenchmarkLock();
  BenchmarkLock(const BenchmarkLock&) = delete;
  BenchmarkLock& operator=(const BenchmarkLock&) = delete;

 private:
  int file_ = -1;
};

/// Writes plan.json into a benchmark's folder: what its matrix is, with the recipe of each cell.
COVECTOR_API void write_plan(const BenchmarkPlan& plan, const std::filesystem::path& output);
/// Reads it back; the folder may have been moved. Throws Error where there is none, or none that
/// can be read.
COVECTOR_API BenchmarkPlan read_plan_file(const std::filesystem::path& output);

/// Writes the tables as write_tables(), from what the cells have measured by now.
COVECTOR_API void update_tables(const BenchmarkPlan& plan, const std::filesystem::path& output,
                                const Registries& registries, std::ostream& out);

/// The same by the benchmark's folder alone, where a cell has changed since its tables were
/// written. Opens the plug-ins of its methods and datasets.
COVECTOR_API void update_table(const std::filesystem::path& output, Registries& registries,
                               PluginLoader& loader);

}  // namespace covector
