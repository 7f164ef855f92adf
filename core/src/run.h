#pragma once

#include "covector/core/plugin.h"
#include "covector/core/plugin_loader.h"
#include "recipe.h"

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace covector {

/// What the command line adds to a recipe.
struct RunRequest {
  Recipe recipe;
  std::filesystem::path output;  // empty: runs/<stem of the recipe's file>
  std::string device = "auto";   // "auto", "cpu", "cuda" or "cuda:N"
  int threads = 0;               // of the computing library; 0: what the machine has
  bool quiet = false;            // no progress, only what is wrong and the final result
};

/// Runs a recipe of kind pretrain or adapt; the same call again resumes, or says that it is
/// finished.
/// @returns  0 when finished, 143 or 130 when stopped by a signal after writing a checkpoint
/// @throws   RecipeError, PluginError, DataError; Error when the run itself fails
COVECTOR_API int run_recipe(const RunRequest& request, Registries& registries, PluginLoader& loader,
                            std::ostream& out);

/// Throws one RecipeError with every problem of every section; otherwise prints what would be run.
/// No data is read.
COVECTOR_API void check_recipe(const Recipe& recipe, Registries& registries, PluginLoader& loader,
                               std::ostream& out);

/// The recipe with every default filled in; values that were given keep where they came from.
COVECTOR_API OptionTable resolve_recipe(const Recipe& recipe, Registries& registries,
                                        PluginLoader& loader);

/// Applies the network of a finished adapt run to image files.
/// @param run     the run folder
/// @param output  folder for what the task writes; made when it is missing
COVECTOR_API int predict_run(const std::filesystem::path& run,
                             const std::vector<std::filesystem::path>& inputs,
                             const std::filesystem::path& output, const std::string& device,
                             Registries& registries, PluginLoader& loader, std::ostream& out);

}  // namespace covector
