#pragma once

#include "arguments.h"

#include "covector/datasets/file_dataset.h"

#include <memory>
#include <string>
#include <vector>

namespace covector::data_command {

/// The set of files that a request names, not open, and the words that are left over.
struct Source {
  std::string type;
  std::shared_ptr<datasets::FileDataset> set;
  std::string options;  // that were given, as TOML
  std::vector<std::string> words;
};

/// NAME ROOT, or the section [dataset] of --recipe, with --set on top.
/// @param others  what the action takes besides, as its help names it: {"OUT"}
/// Throws RecipeError and PluginError.
Source source_of(const Request& request, const std::vector<std::string>& others);

}  // namespace covector::data_command
