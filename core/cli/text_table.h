#pragma once

#include <string>
#include <vector>

namespace covector::cli {

/// Rows of words, printed in columns that are as wide as they need to be, two spaces apart. Columns
/// whose cells are all empty are left out.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header);
  void add(std::vector<std::string> row);
  bool empty() const { return rows_.size() == 1; }
  /// @param indent  put before each line
  std::string text(const std::string& indent = "") const;
  /// The table in Markdown; the characters that mean something there are escaped.
  std::string markdown() const;

 private:
  std::vector<std::vector<std::string>> rows_;  // the header first
};

}  // namespace covector::cli
