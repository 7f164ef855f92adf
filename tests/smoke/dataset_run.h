#pragma once

#include <filesystem>
#include <string>

namespace covector::testing {

/// What to do with a set, in small.
enum class Use { pretrain, segment, classify };

/// Checks a set, prepares it, and runs COVER for 20 steps, or a few steps of a task and its
/// measurement, on its files and on what was prepared, all by a recipe that is nothing but its
/// [dataset] table and a small network. Fails the test unless everything succeeds without a word of
/// warning.
/// @param dataset  lines of the table below type and root: "prepare.size = [32, 32]"
void run_on_dataset(const std::string& type, const std::filesystem::path& root,
                    const std::string& dataset, Use use, int dimensions);

}  // namespace covector::testing
