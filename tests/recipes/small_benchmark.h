#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace covector::testing {

/// All nine sets in their official layouts, in miniature, below the names that the recipes give
/// them in COVECTOR_DATA; made once for all tests.
const std::filesystem::path& official_sets();

/// A benchmark made shorter than its recipe says.
struct SmallBenchmark {
  std::filesystem::path recipe;
  std::vector<std::string> rows, columns, backbones;  // stems; backbones may be empty
  std::vector<std::int64_t> seeds;
  bool pretrains_per_seed = false;
};

/// Extends each pretraining and task of a benchmark by recipes/smoke/small, which changes sizes and
/// steps, and a pretraining also by the options that its method has in its own smoke recipe. Small
/// backbones take the place of those in the list. One seed is left, or two where each has a
/// pretraining of its own. Everything else is what the benchmark's recipes say.
/// @param folder  where the new recipes are written
SmallBenchmark make_small_benchmark(const std::filesystem::path& recipe,
                                    const std::filesystem::path& folder);

/// Extends each pretraining and task of a benchmark by a number of steps, and by nothing else.
SmallBenchmark make_short_benchmark(const std::filesystem::path& recipe,
                                    const std::filesystem::path& folder, std::int64_t steps);

/// Checks and runs a benchmark, and fails the test unless every cell is finished and every row and
/// column is in the table.
/// @param data  what COVECTOR_DATA names
void run_whole(const SmallBenchmark& benchmark, const std::filesystem::path& data);

}  // namespace covector::testing
