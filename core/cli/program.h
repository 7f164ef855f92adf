#pragma once

#include "arguments.h"
#include "covector/core/plugin.h"
#include "covector/core/plugin_loader.h"

#include <iosfwd>
#include <string>
#include <vector>

namespace covector::cli {

using Words = std::vector<std::string>;

/// What every command works with.
struct Program {
  explicit Program(std::ostream& output)
      : loader(registries, PluginLoader::search_path()), out(output) {}

  Registries registries;
  PluginLoader loader;
  std::ostream& out;
};

/// A command of the program's own.
struct BuiltIn {
  const char* name;
  const char* summary;
  /// @param words  what follows the command's name
  /// @returns      the exit code
  int (*run)(const Words& words, std::ostream& out);
};

int run_command(const Words& words, std::ostream& out);
int benchmark_command(const Words& words, std::ostream& out);
int check_command(const Words& words, std::ostream& out);
int explain_command(const Words& words, std::ostream& out);
int diff_command(const Words& words, std::ostream& out);
int bench_command(const Words& words, std::ostream& out);
int predict_command(const Words& words, std::ostream& out);
int analyse_command(const Words& words, std::ostream& out);
int import_command(const Words& words, std::ostream& out);
int export_command(const Words& words, std::ostream& out);
int plugins_command(const Words& words, std::ostream& out);

/// The options of `run` for a benchmark.
void add_benchmark(Syntax& syntax);
/// Throws RecipeError where one of them is given for a recipe that is none.
void refuse_benchmark(const po::variables_map& values);
/// `run` of a benchmark.
int run_benchmark_of(const po::variables_map& values, Program& program);

}  // namespace covector::cli
