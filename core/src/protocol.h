#pragma once

#include "covector/core/export.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace covector {

/// What a cell was made under: the fingerprint of its data, its recipe but for what makes no
/// difference to the result (threads, how often to log), precision, versions of program and
/// plug-ins; of its pretraining, under names that begin with "pretraining", those that methods
/// share.
using Protocol = std::map<std::string, std::string>;

/// @param run          folder of the finished cell
/// @param pretraining  folder of the run that it started from
/// @throws  RecipeError when a recipe in the folders cannot be read
COVECTOR_API Protocol read_protocol(const std::filesystem::path& run,
                                    const std::filesystem::path& pretraining);

/// Of each protocol, where it differs from most of those that have the same name:
/// "loop.steps: 200, others 400". Most is what the larger number has, of equals the first.
COVECTOR_API std::vector<std::vector<std::string>> differences(
    const std::vector<Protocol>& protocols);

}  // namespace covector
