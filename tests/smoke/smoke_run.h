#pragma once

#include "support/process.h"

#include <filesystem>
#include <string>
#include <vector>

namespace covector::testing {

using Words = std::vector<std::string>;

/// The folder that make_smoke_images() filled, once for all tests.
const std::filesystem::path& smoke_images();

/// recipes/smoke/<name>.toml
std::filesystem::path smoke_recipe(const std::string& name);

/// `covector` with these words, as a process of one computing thread.
Finished run_program(const Words& words);

/// `covector run` of a recipe into a folder, as a process of one computing thread.
/// @param more    further words, as {"-s", "loop.steps=4"}
/// @param images  what COVECTOR_SMOKE_DATA names
Process start_run(const std::filesystem::path& recipe, const std::filesystem::path& output,
                  const Words& more = {}, const std::filesystem::path& images = smoke_images());
/// The same, to its end.
Finished run_to_end(const std::filesystem::path& recipe, const std::filesystem::path& output,
                    const Words& more = {}, const std::filesystem::path& images = smoke_images());

/// Checkpoints of a run folder, in the order of their steps.
std::vector<std::filesystem::path> checkpoints_of(const std::filesystem::path& run);

/// Fails the test unless two finished runs are the same bit for bit: the tensors and texts of the
/// last checkpoint, metrics.json, and log.jsonl but for what depends on the clock and the machine.
void check_same_run(const std::filesystem::path& run, const std::filesystem::path& expected);

}  // namespace covector::testing
