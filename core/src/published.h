#pragma once

#include "covector/core/schema.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace covector {

/// A value that a paper gives for a row and a task.
struct PublishedValue {
  std::string row;
  std::string backbone;  // empty where the table has but one
  std::string task;
  std::string metric;
  double value = 0;
  std::string source;
};

/// What a paper says of the rows and tasks of a benchmark, to be shown beside what was measured.
struct COVECTOR_API Published {
  std::vector<PublishedValue> values;

  const PublishedValue* find(const std::string& row, const std::string& backbone,
                             const std::string& task) const;
};

/// Reads a file of published values, TOML:
///
///   source = "the paper, Table 1"
///   [metrics]                       # what is given of each task, in its unit
///   scr = "DSC"
///   [[rows]]
///   row = "scratch"                 # as the benchmark calls it
///   backbone = "unet"               # where the benchmark has several
///   source = "..."                  # where it is another than that of the file
///   values = { scr = 81.8 }         # what is not known is left out
///
/// Throws RecipeError with every problem.
COVECTOR_API Published read_published(const std::filesystem::path& file);

}  // namespace covector
