#include "covector/datasets/csv.h"

#include "covector/core/error.h"
#include "covector/core/suggest.h"

#include <algorithm>
#include <fstream>

namespace covector::datasets {
namespace {

std::vector<std::string> cells_of(const std::string& line, char separator) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"')
      quoted = !quoted;
    else if (c == separator && !quoted)
      cells.emplace_back();
    else if (c != '\r')
      cells.back() += c;
  }
  for (auto& cell : cells) {
    cell.erase(0, cell.find_first_not_of(" \t"));
    cell.erase(cell.find_last_not_of(" \t") + 1);
  }
  return cells;
}

}  // namespace

CsvTable::CsvTable(const std::filesystem::path& path, char separator) : path_(path) {
  std::ifstream file(path);
  if (!file) throw DataError(path.string() + ": cannot be opened; check the path");
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    if (number == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);  // byte order mark
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    auto cells = cells_of(line, separator);
    if (header_.empty()) {
      header_ = std::move(cells);
      while (header_.size() > 1 && header_.back().empty()) header_.pop_back();
      continue;
    }
    // Spreadsheets write an empty last column.
    while (cells.size() > header_.size() && cells.back().empty()) cells.pop_back();
    rows_.push_back({std::move(cells), number});
    if (rows_.back().cells.size() != header_.size())
      throw DataError(where(rows_.back()) + ": has " + std::to_string(rows_.back().cells.size()) +
                      " cells, the header has " + std::to_string(header_.size()));
  }
  if (header_.empty()) throw DataError(path.string() + ": is empty; it needs a header row");
}

std::size_t CsvTable::column(const std::string& name) const {
  const auto hit = std::find(header_.begin(), header_.end(), name);
  if (hit == header_.end())
    throw DataError(path_.string() + ":1: has no column '" + name + "'" +
                    did_you_mean(name, header_));
  return static_cast<std::size_t>(hit - header_.begin());
}

std::string CsvTable::where(const Row& row) const {
  return path_.string() + ":" + std::to_string(row.line);
}

}  // namespace covector::datasets
