#include "table_formats.h"
#include "table_layout.h"

namespace covector {
namespace {

constexpr const char* kHead = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Benchmark</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem; color: #111; background: #fff; }
div { overflow-x: auto; }
table { border-collapse: collapse; margin: 0 0 1.5rem; border: solid #111; border-width: 2px 0; }
th, td { padding: .3rem .7rem; text-align: left; vertical-align: top; white-space: nowrap; }
thead th { border-bottom: 1px solid #111; }
td { font-variant-numeric: tabular-nums; }
td small { display: block; color: #444; }
tr.group th { padding-top: .8rem; font-weight: normal; font-style: italic; }
p { max-width: 50rem; margin: .3rem 0; }
</style>
</head>
<body>
)";

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text)
    out += c == '&'   ? "&amp;"
           : c == '<' ? "&lt;"
           : c == '>' ? "&gt;"
           : c == '"' ? "&quot;"
                      : std::string(1, c);
  return out;
}

std::string small(const std::string& text) {
  return "<small>" + escaped(text) + "</small>";
}

/// The value with its interval, the difference and the published value in lines of their own.
std::string cell_text(const LaidCell& cell) {
  const std::string tag = cell.rank == 1 ? "b" : cell.rank == 2 ? "i" : "";
  auto text = cell.value.empty() ? escaped(cell.instead) : cell.value;
  if (!tag.empty()) text = "<" + tag + ">" + text + "</" + tag + ">";
  if (!cell.spread.empty()) text += " ± " + cell.spread;
  if (!cell.marks.empty()) text += "<sup>" + cell.marks + "</sup>";
  if (!cell.interval.empty()) text += small(cell.interval);
  if (!cell.difference.empty()) {
    auto difference = cell.difference;
    if (!cell.difference_interval.empty()) difference += " " + cell.difference_interval;
    if (!cell.p.empty()) difference += ", " + cell.p;
    text += small("(" + difference + ")");
  }
  if (!cell.published.empty()) text += small("published " + cell.published);
  return "<td>" + text + "</td>";
}

std::string grid_text(const std::string& row_heading, const LaidGrid& grid) {
  std::string text = "<div><table>\n<thead><tr><th scope=\"col\">" + escaped(row_heading) + "</th>";
  for (const auto& column : grid.columns)
    text += "<th scope=\"col\">" + escaped(heading(column)) + "</th>";
  text += "</tr></thead>\n<tbody>\n";
  std::string group;
  for (const auto& row : grid.rows) {
    if (row.group != group)
      text += "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"" +
              std::to_string(grid.columns.size() + 1) + "\">" + escaped(row.group) + "</th></tr>\n";
    group = row.group;
    text += "<tr><th scope=\"row\">" + escaped(row.title) + "</th>";
    for (const auto& cell : row.cells) text += cell_text(cell);
    text += "</tr>\n";
  }
  return text + "</tbody>\n</table></div>\n";
}

}  // namespace

std::string to_html(const Table& table) {
  const auto layout = lay_out(table);
  std::string text = kHead;
  text += grid_text(layout.row_heading, layout.main);
  if (!layout.further.columns.empty())
    text += "<h2>Further metrics</h2>\n" + grid_text(layout.row_heading, layout.further);
  for (const auto& sentence : layout.reading) text += "<p>" + escaped(sentence) + "</p>\n";
  for (const auto& note : layout.notes) text += "<p>" + escaped(note) + "</p>\n";
  for (const auto& footnote : layout.footnotes)
    text += "<p><sup>" + footnote.mark + "</sup> " + escaped(footnote_text(footnote)) + "</p>\n";
  return text + "</body>\n</html>\n";
}

}  // namespace covector
