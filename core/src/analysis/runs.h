#pragma once

#include "covector/core/export.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace covector::analysis {

/// A run that is looked at.
struct NamedRun {
  std::string name;  // as drawings call it
  std::filesystem::path folder;
};

/// Runs of one task that began with the same weights' recipe and differ in their seed.
struct Repetitions {
  std::string column;          // the task's recipe
  std::string row;             // what the backbone began with
  std::vector<NamedRun> runs;  // called by their seed
};

/// The pretrainings in some folders: of a benchmark's each of the first seed, in the order of its
/// plan, and runs of kind pretrain themselves. Throws RecipeError for another folder, and where
/// there are none.
COVECTOR_API std::vector<NamedRun> pretrainings(const std::vector<std::filesystem::path>& folders);

/// The finished adapt runs in some folders, those with a metrics.json: of a benchmark grouped by
/// row and task; adapt runs that are named themselves make one more group together. Groups of a
/// single run are left out. Throws RecipeError for another folder, and where no group is left.
COVECTOR_API std::vector<Repetitions> repetitions(
    const std::vector<std::filesystem::path>& folders);

}  // namespace covector::analysis
