#include "table_formats.h"
#include "table_layout.h"

namespace covector {
namespace {

/// What would end a cell of a pipe table or begin markup.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("|*<\\").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

/// " **94.0** ± 0.4 [93.1, 94.8] (+12.2 [+11.0, +13.1], p < 0.001), published 94.0 <sup>a</sup>"
std::string cell_text(const LaidCell& cell) {
  const std::string around = cell.rank == 1 ? "**" : cell.rank == 2 ? "*" : "";
  auto text = cell.value.empty() ? escaped(cell.instead) : around + cell.value + around;
  if (!cell.spread.empty()) text += " ± " + cell.spread;
  if (!cell.interval.empty()) text += " " + cell.interval;
  if (!cell.difference.empty()) {
    text += " (" + cell.difference;
    if (!cell.difference_interval.empty()) text += " " + cell.difference_interval;
    if (!cell.p.empty()) text += ", " + cell.p;
    text += ")";
  }
  if (!cell.published.empty()) text += (text.empty() ? "" : ", ") + ("published " + cell.published);
  return cell.marks.empty() ? text : text + " <sup>" + cell.marks + "</sup>";
}

std::string grid_text(const std::string& row_heading, const LaidGrid& grid) {
  std::string text = "| " + row_heading + " |";
  for (const auto& column : grid.columns) text += " " + escaped(heading(column)) + " |";
  text += "\n|---|";
  for (std::size_t i = 0; i < grid.columns.size(); ++i) text += "---|";
  std::string group;
  for (const auto& row : grid.rows) {
    if (row.group != group) {
      text += "\n| *" + row.group + "* |";
      for (std::size_t i = 0; i < grid.columns.size(); ++i) text += " |";
      group = row.group;
    }
    text += "\n| " + escaped(row.title) + " |";
    for (const auto& cell : row.cells) text += " " + cell_text(cell) + " |";
  }
  return text + "\n";
}

}  // namespace

std::string to_markdown(const Table& table) {
  const auto layout = lay_out(table);
  auto text = grid_text(layout.row_heading, layout.main) + "\n";
  if (!layout.further.columns.empty())
    text += "Further metrics:\n\n" + grid_text(layout.row_heading, layout.further) + "\n";
  for (const auto& sentence : layout.reading) text += sentence + "\n";
  for (const auto& note : layout.notes) text += note + "\n";
  for (const auto& footnote : layout.footnotes)
    text += "<sup>" + footnote.mark + "</sup> " + footnote_text(footnote) + "\n";
  return text;
}

}  // namespace covector
