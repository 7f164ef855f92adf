#include "text_table.h"

#include <algorithm>
#include <utility>

namespace covector::cli {
namespace {

// Code points, which for the words printed here is columns on the screen.
std::size_t width_of(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; });
}

std::string markdown_cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '<' || c == '*' || c == '_' || c == '\\' || c == '`') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

}  // namespace

TextTable::TextTable(std::vector<std::string> header) : rows_{std::move(header)} {}

void TextTable::add(std::vector<std::string> row) {
  rows_.push_back(std::move(row));
}

std::string TextTable::text(const std::string& indent) const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  std::vector<bool> filled(rows_.front().size(), false);
  for (std::size_t r = 0; r < rows_.size(); ++r)
    for (std::size_t c = 0; c < widths.size(); ++c) {
      widths[c] = std::max(widths[c], width_of(rows_[r][c]));
      if (r > 0 && !rows_[r][c].empty()) filled[c] = true;
    }
  std::string out;
  for (const auto& row : rows_) {
    std::string line = indent;
    for (std::size_t c = 0; c < widths.size(); ++c)
      if (filled[c]) line += row[c] + std::string(widths[c] - width_of(row[c]) + 2, ' ');
    out += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  return out;
}

std::string TextTable::markdown() const {
  std::string out;
  for (const auto& row : rows_) {
    for (const auto& cell : row) out += "| " + markdown_cell(cell) + ' ';
    out += "|\n";
    if (&row == &rows_.front()) {
      for (std::size_t c = 0; c < row.size(); ++c) out += "|---";
      out += "|\n";
    }
  }
  return out;
}

}  // namespace covector::cli
