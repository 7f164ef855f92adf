#pragma once

#include "covector/core/plugin.h"
#include "covector/core/plugin_loader.h"
#include "recipe.h"
#include "transfer.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace covector {

struct ImportRequest {
  Recipe recipe;  // of kind pretrain or adapt, says which network
  std::filesystem::path file;
  std::filesystem::path output;       // a checkpoint for [pretrained] run
  bool encoder = false;               // take the encoder alone
  bool allow_unexpected = false;      // pass over what the network has no place for
  std::optional<std::string> prefix;  // see find_network()
};

/// Brings weights that were published under their authors' names into a checkpoint of the recipe's
/// backbone. Reads no data.
/// Throws RecipeError for the recipe and where the output exists, DataError when the file cannot be
/// read or does not fit; then nothing is written.
COVECTOR_API LoadReport import_weights(const ImportRequest& request, Registries& registries,
                                       PluginLoader& loader);

struct ExportedWeights {
  LoadReport report;
  std::string backbone;                  // its type
  Transfer trained = Transfer::network;  // how much of it the run's method trains
  std::size_t tensors = 0;               // written
  std::vector<std::string> added;  // those that the authors' code stores and this network does not
};

/// Writes a run's backbone under the authors' names.
/// @param run     a run folder, of which the best checkpoint is taken or else the last, or a
///                checkpoint file
/// @param output  .pt, .pth or .safetensors
/// @param warn    hears of checkpoints that cannot be read
/// Throws RecipeError for the output, DataError where the checkpoint does not hold all of a
/// backbone.
COVECTOR_API ExportedWeights export_weights(const std::filesystem::path& run,
                                            const std::filesystem::path& output,
                                            Registries& registries, PluginLoader& loader,
                                            const std::function<void(const std::string&)>& warn);

}  // namespace covector
