#pragma once

#include "covector/core/export.h"

#include <filesystem>
#include <string>
#include <vector>

namespace covector::datasets {

/// A table with a header row, its cells parted by commas or by what is given; double quotes hold
/// separators. Empty columns at the end, without a name, are passed over.
class COVECTOR_API CsvTable {
 public:
  struct Row {
    std::vector<std::string> cells;
    std::size_t line;
  };

  /// Throws DataError when the file cannot be read, is empty or has a row of another length.
  explicit CsvTable(const std::filesystem::path& path, char separator = ',');

  const std::vector<Row>& rows() const { return rows_; }
  /// Throws DataError listing the columns there are.
  std::size_t column(const std::string& name) const;
  /// "table.csv:7", for messages about a row.
  std::string where(const Row& row) const;

 private:
  std::filesystem::path path_;
  std::vector<std::string> header_;
  std::vector<Row> rows_;
};

}  // namespace covector::datasets
