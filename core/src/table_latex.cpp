#include "table_formats.h"
#include "table_layout.h"

#include <map>

namespace covector {
namespace {

std::string escaped(const std::string& text) {
  static const std::map<char, std::string> kSpecial = {{'\\', "\\textbackslash{}"},
                                                       {'~', "\\textasciitilde{}"},
                                                       {'^', "\\textasciicircum{}"},
                                                       {'<', "\\textless{}"},
                                                       {'>', "\\textgreater{}"},
                                                       {'|', "\\textbar{}"},
                                                       {'&', "\\&"},
                                                       {'%', "\\%"},
                                                       {'$', "\\$"},
                                                       {'#', "\\#"},
                                                       {'_', "\\_"},
                                                       {'{', "\\{"},
                                                       {'}', "\\}"}};
  std::string out;
  for (const char c : text) {
    const auto special = kSpecial.find(c);
    out += special == kSpecial.end() ? std::string(1, c) : special->second;
  }
  // What notes and headings hold beside ASCII.
  static const std::map<std::string, std::string> kSigns = {
      {"±", "$\\pm$"}, {"↑", "$\\uparrow$"}, {"↓", "$\\downarrow$"}};
  for (const auto& [sign, command] : kSigns)
    for (auto at = out.find(sign); at != std::string::npos; at = out.find(sign, at))
      out.replace(at, sign.size(), command);
  return out;
}

/// The value, its difference to the baseline and the published value.
std::string cell_text(const LaidCell& cell) {
  std::string text = escaped(cell.instead);
  if (!cell.value.empty())
    text = cell.rank == 1   ? "\\textbf{" + cell.value + "}"
           : cell.rank == 2 ? "\\textit{" + cell.value + "}"
                            : cell.value;
  if (!cell.marks.empty()) text += "\\tnote{" + cell.marks + "}";
  if (!cell.difference.empty())
    text += " {\\scriptsize$(" + cell.difference + (cell.significant ? "^{*}" : "") + ")$}";
  if (!cell.published.empty())
    text += (text.empty() ? "" : " ") + ("{\\scriptsize[" + cell.published + "]}");
  return text;
}

std::string grid_text(const std::string& row_heading, const LaidGrid& grid) {
  const auto columns = grid.columns.size();
  std::string text =
      "\\begin{tabular}{l" + std::string(columns, 'c') + "}\n\\toprule\n" + escaped(row_heading);
  for (const auto& column : grid.columns) text += " & " + escaped(heading(column));
  text += " \\\\\n\\midrule\n";
  std::string group;
  for (const auto& row : grid.rows) {
    if (row.group != group) {
      text += "\\addlinespace\n\\multicolumn{" + std::to_string(columns + 1) + "}{l}{\\textit{" +
              escaped(row.group) + "}} \\\\\n";
      group = row.group;
    }
    text += escaped(row.title);
    for (const auto& cell : row.cells) text += " & " + cell_text(cell);
    text += " \\\\\n";
  }
  return text + "\\bottomrule\n\\end{tabular}\n";
}

}  // namespace

std::string to_latex(const Table& table) {
  const auto layout = lay_out(table);
  std::string text =
      "% \\usepackage{booktabs}\n% \\usepackage{threeparttable}\n"
      "\\begin{table*}\n\\centering\n\\begin{threeparttable}\n" +
      grid_text(layout.row_heading, layout.main);
  if (!layout.further.columns.empty())
    text += "\n\\medskip\n" + grid_text(layout.row_heading, layout.further);
  text += "\\begin{tablenotes}\\footnotesize\n";
  for (const auto& sentence : layout.short_reading) text += "\\item " + escaped(sentence) + "\n";
  for (const auto& note : layout.notes) text += "\\item " + escaped(note) + "\n";
  for (const auto& footnote : layout.footnotes)
    text += "\\item[" + footnote.mark + "] " + escaped(footnote_text(footnote)) + "\n";
  return text + "\\end{tablenotes}\n\\end{threeparttable}\n\\end{table*}\n";
}

}  // namespace covector
