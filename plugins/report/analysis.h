#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace covector::report {

/// A file analysis/NAME.json of a benchmark, as `covector analyse` writes it.
struct Analysis {
  std::string name;  // of the file, without .json
  std::string title, about, kind;
  std::string text;              // the whole document
  std::filesystem::path folder;  // that its pictures lie in
};

/// The analyses of a benchmark by name; what cannot be read is added to the problems.
std::vector<Analysis> read_analyses(const std::filesystem::path& benchmark,
                                    std::vector<std::string>& problems);

}  // namespace covector::report
