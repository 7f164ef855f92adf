#pragma once

#include "published.h"
#include "run.h"

#include <filesystem>
#include <string>
#include <vector>

namespace covector {

/// [benchmark]
struct COVECTOR_API BenchmarkOptions {
  std::vector<std::string> pretrain;
  std::vector<std::string> adapt;
  std::vector<std::string> backbones;
  std::vector<std::int64_t> seeds = {0, 1, 2};
  std::string pretraining = "shared";
  std::string baseline;
  std::string published;

  static void describe(Schema<BenchmarkOptions>& schema);
};

/// One run of a benchmark, a recipe with its seed and a folder of its own.
struct Cell {
  std::string row;       // stem of the pretraining recipe
  std::string backbone;  // stem of the backbone's recipe; empty where the recipes' own is taken
  std::string column;    // stem of the task's recipe; empty for a pretraining
  std::int64_t seed = 0;
  Recipe recipe;
  std::filesystem::path folder;
  std::string name = {};       // its folder from the benchmark's: adapt/ROW/COLUMN/seed-N
  std::string builds_on = {};  // name of its pretraining; empty for a pretraining

  bool is_pretraining() const { return column.empty(); }
};

/// The runs of a benchmark in an order in which each comes after the one it builds on: in
/// pretrain/ROW and adapt/ROW/COLUMN/seed-N, with several backbones in pretrain/ROW/BACKBONE and
/// adapt/ROW/BACKBONE/COLUMN/seed-N; pretrainings that are not shared also in a seed-N each.
struct COVECTOR_API BenchmarkPlan {
  std::vector<Cell> cells;
  std::string baseline;  // the row that the others are compared with; empty for none
  Published published = {};
  std::filesystem::path recipe = {};  // the benchmark's

  /// The cell of a name; null where there is none.
  const Cell* find(const std::string& name) const;
};

/// @param output  the benchmark's folder
/// Throws RecipeError with what is wrong in the recipe itself or in one it names.
COVECTOR_API BenchmarkPlan plan_benchmark(const Recipe& recipe,
                                          const std::filesystem::path& output);
COVECTOR_API void check_benchmark(const Recipe& recipe, Registries& registries,
                                  PluginLoader& loader, std::ostream& out);
COVECTOR_API OptionTable resolve_benchmark(const Recipe& recipe);

}  // namespace covector
