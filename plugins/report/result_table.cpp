#include "result_table.h"

#include "html.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace covector::report {
namespace {

using Entries = std::vector<const ResultEntry*>;  // of one column, by row; null where there is none

/// A task and metric that has a column.
struct Column {
  std::string task, metric, unit;
  bool higher_is_better = true;
  Entries entries;
};

bool same_row(const ResultRow& row, const std::string& name, const std::string& backbone) {
  return row.name == name && row.backbone == backbone;
}

/// The columns of the main metrics, or of the further ones, in the order of the tasks.
std::vector<Column> columns_of(const ResultTable& table, bool main) {
  std::vector<Column> columns;
  for (const auto& task : table.tasks)
    for (const auto& entry : table.entries) {
      if (entry.task != task || entry.main != main || entry.metric.empty()) continue;
      const auto known = std::find_if(columns.begin(), columns.end(), [&](const Column& c) {
        return c.task == task && c.metric == entry.metric;
      });
      auto& column =
          known == columns.end()
              ? columns.emplace_back(Column{task, entry.metric, entry.unit, entry.higher_is_better,
                                            Entries(table.rows.size(), nullptr)})
              : *known;
      for (std::size_t i = 0; i < table.rows.size(); ++i)
        if (same_row(table.rows[i], entry.row, entry.backbone)) column.entries[i] = &entry;
    }
  return columns;
}

/// Why a row has no number in a column, where the table says so.
std::string state_of(const ResultTable& table, const ResultRow& row, const std::string& task) {
  for (const auto& entry : table.entries)
    if (same_row(row, entry.row, entry.backbone) && entry.task == task && !entry.state.empty())
      return entry.state;
  return {};
}

/// 1 of the best of a row's network, 2 of the second, 0 of others, as shown: equal text ranks
/// alike.
int rank_of(const ResultTable& table, const Column& column, std::size_t row) {
  const auto shown = [&](std::size_t i) {
    const auto* entry = column.entries[i];
    return entry && entry->mean ? number(entry->mean, digits_of(column.unit)) : std::string();
  };
  const auto own = shown(row);
  if (own.empty()) return 0;
  std::set<std::string> better, worse;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    if (table.rows[i].backbone != table.rows[row].backbone || shown(i).empty()) continue;
    const auto x = *column.entries[i]->mean, y = *column.entries[row]->mean;
    if (shown(i) != own)
      ((column.higher_is_better ? x > y : x < y) ? better : worse).insert(shown(i));
  }
  if (better.empty()) return 1;
  return better.size() == 1 && !worse.empty() ? 2 : 0;
}

std::string emphasised(const std::string& text, int rank) {
  return rank == 1 ? "<strong>" + text + "</strong>" : rank == 2 ? "<em>" + text + "</em>" : text;
}

std::string mark_links(const ResultTable& table, const std::vector<std::string>& marks) {
  std::string html;
  for (const auto& mark : marks)
    html += fmt::format("<sup><a href=\"#mark-{0}-{1}\" aria-label=\"footnote {1}\">{1}</a></sup>",
                        table.number, escape(mark));
  return html;
}

std::string none_cell(const std::string& text = "–") {
  return fmt::format("<td class=\"number none\" data-value=\"\">{}</td>", escape(text));
}

std::string mean_cell(const ResultTable& table, const Column& column, std::size_t row) {
  const auto* entry = column.entries[row];
  const auto state = state_of(table, table.rows[row], column.task);
  if (!entry || !entry->mean) return none_cell(state.empty() ? "–" : state);
  const auto digits = digits_of(column.unit);
  std::string below;
  if (entry->interval)
    below = number(entry->interval->low, digits) + " to " + number(entry->interval->high, digits);
  if (entry->spread) below += (below.empty() ? "" : "; ") + ("± " + number(*entry->spread, digits));
  if (!state.empty()) below += (below.empty() ? "" : "<br>") + escape(state);
  return fmt::format("<td class=\"number\" data-value=\"{}\">{}{}{}</td>", *entry->mean,
                     emphasised(number(entry->mean, digits), rank_of(table, column, row)),
                     entry->mark.empty() ? "" : mark_links(table, {entry->mark}),
                     below.empty() ? "" : "<br><small>" + below + "</small>");
}

std::string p_text(double p) {
  return p < 0.001 ? "p &lt; 0.001" : "p = " + number(p, 3);
}

std::string difference_cell(const ResultTable& table, const Column& column, std::size_t row) {
  const auto* entry = column.entries[row];
  if (table.rows[row].name == table.baseline) return none_cell("baseline");
  if (!entry || !entry->difference) return none_cell();
  const auto digits = digits_of(column.unit);
  return fmt::format("<td class=\"number\" data-value=\"{}\">{}<br><small>{} to {}{}</small></td>",
                     *entry->difference, signed_number(*entry->difference, digits),
                     signed_number(entry->difference_interval.low, digits),
                     signed_number(entry->difference_interval.high, digits),
                     entry->p_value ? "; " + p_text(*entry->p_value) : "");
}

std::string value_cell(const std::optional<double>& value, int digits, bool with_sign = false) {
  if (!value) return none_cell();
  return fmt::format("<td class=\"number\" data-value=\"{}\">{}</td>", *value,
                     with_sign ? signed_number(*value, digits) : number(value, digits));
}

std::string heading(const std::string& text) {
  return fmt::format("<th scope=\"col\" class=\"number\">{}</th>", escape(text));
}

std::string group(const std::string& title, std::size_t span) {
  return fmt::format("<th scope=\"colgroup\" colspan=\"{}\">{}</th>", span, escape(title));
}

/// A table put together column by column: both rows of its head, and each row's cells.
struct Grid {
  std::string groups, heads;
  std::vector<std::string> cells;
  std::size_t width = 0;
};

void add_column(Grid& grid, const ResultTable& table, const Column& column) {
  const auto any = [&](auto has) {
    return std::any_of(column.entries.begin(), column.entries.end(),
                       [&](const auto* entry) { return entry && has(*entry); });
  };
  const auto differs = any([](const ResultEntry& e) { return e.difference.has_value(); });
  const auto published = any([](const ResultEntry& e) { return e.published.has_value(); });
  const auto span = 1U + (differs ? 1U : 0U) + (published ? 1U : 0U);
  grid.groups += group(column.task, span);
  grid.heads += heading(column.metric + (column.unit.empty() ? "" : ", " + column.unit) +
                        (column.higher_is_better ? " ↑" : " ↓"));
  if (differs) grid.heads += heading("over " + table.baseline);
  if (published) grid.heads += heading("published");
  grid.width += span;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    grid.cells[i] += mean_cell(table, column, i);
    if (differs) grid.cells[i] += difference_cell(table, column, i);
    if (published)
      grid.cells[i] += value_cell(column.entries[i] ? column.entries[i]->published : std::nullopt,
                                  digits_of(column.unit));
  }
}

std::string average_title(const std::string& over) {
  return over == "all" ? "average" : over + " average";
}

void add_average(Grid& grid, const ResultTable& table, const std::string& over) {
  std::vector<const ResultAverage*> found(table.rows.size(), nullptr);
  bool differs = false, published = false;
  for (const auto& average : table.averages)
    for (std::size_t i = 0; i < table.rows.size(); ++i)
      if (average.over == over && same_row(table.rows[i], average.row, average.backbone)) {
        found[i] = &average;
        differs = differs || average.difference;
        published = published || average.published;
      }
  const auto span = 1U + (differs ? 1U : 0U) + (published ? 1U : 0U);
  grid.groups += group(average_title(over), span);
  grid.heads += heading("mean");
  if (differs) grid.heads += heading("over " + table.baseline);
  if (published) grid.heads += heading("published");
  grid.width += span;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const auto* average = found[i];
    const auto digits = average ? digits_of(average->unit) : 0;
    if (average && average->mean)
      grid.cells[i] +=
          fmt::format("<td class=\"number\" data-value=\"{}\">{}{}</td>", *average->mean,
                      number(average->mean, digits), mark_links(table, average->marks));
    else
      grid.cells[i] += none_cell();
    if (differs)
      grid.cells[i] += value_cell(average ? average->difference : std::nullopt, digits, true);
    if (published) grid.cells[i] += value_cell(average ? average->published : std::nullopt, digits);
  }
}

std::string row_heading(const ResultRow& row, const std::vector<std::string>& linked) {
  const auto known = std::find(linked.begin(), linked.end(), row.name);
  const auto title = known == linked.end()
                         ? escape(row.title())
                         : fmt::format("<a href=\"#method-{}\">{}</a>", known - linked.begin(),
                                       escape(row.title()));
  return fmt::format("<th scope=\"row\">{}{}</th>", title,
                     row.note.empty() ? "" : "<br><small>" + escape(row.note) + "</small>");
}

std::string grid_html(const ResultTable& table, const Grid& grid, const std::string& name,
                      const std::vector<std::string>& linked) {
  std::string rows;
  for (std::size_t i = 0; i < table.rows.size(); ++i)
    rows += fmt::format("<tr>{}{}<td>{}</td></tr>", row_heading(table.rows[i], linked),
                        grid.cells[i], escape(table.rows[i].family));
  return framed(fmt::format("<table class=\"sortable\"><thead><tr><td></td>{}<td></td></tr><tr>"
                            "<th scope=\"col\">Pretraining</th>{}<th scope=\"col\">Family</th>"
                            "</tr></thead><tbody>{}</tbody></table>",
                            grid.groups, grid.heads, rows),
                name + " of " + table.benchmark, grid.width > 5 ? "long broad" : "long");
}

Grid empty_grid(const ResultTable& table) {
  Grid grid;
  grid.cells.resize(table.rows.size());
  return grid;
}

/// "6 to 8 cases and 3 seeds a cell".
std::string counts_text(const ResultTable& table) {
  const auto range = [&](auto get, const char* noun) {
    std::int64_t least = 0, most = 0;
    for (const auto& entry : table.entries) {
      if (!entry.mean) continue;
      const auto n = get(entry);
      least = most == 0 ? n : std::min(least, n);
      most = std::max(most, n);
    }
    return least == most ? counted(static_cast<std::size_t>(most), noun)
                         : fmt::format("{} to {} {}s", least, most, noun);
  };
  return range([](const ResultEntry& e) { return e.cases; }, "case") + " and " +
         range([](const ResultEntry& e) { return e.seeds; }, "seed") + " a cell";
}

std::string notes_of(const ResultTable& table) {
  std::string html = fmt::format(
      "<p class=\"note\">The first metric of each task. Means are over test cases, then over "
      "seeds; {}. Below a mean: its 95 % "
      "interval by bootstrap over seeds and cases, and ± the standard deviation over seeds. Over "
      "{}: paired by case, with the 95 % interval over cases and the two-sided p of that one "
      "comparison. Best of a column bold, second italic. Families: GL generative, BCL binary "
      "contrast, DBCL dense binary contrast, VR vector regression.</p>",
      counts_text(table), table.baseline.empty() ? "the baseline" : escape(table.baseline));
  std::string missing;
  for (const auto& average : table.averages)
    if (!average.missing.empty()) {
      missing += (missing.empty() ? "" : "; ") + average.row;
      missing += " lacks";
      for (const auto& task : average.missing) missing += " " + task;
      missing += " (" + average_title(average.over) + ")";
    }
  if (!missing.empty())
    html += "<p class=\"note\">No average without every task: " + escape(missing) + ".</p>";
  std::string footnotes;
  for (const auto& footnote : table.footnotes) {
    std::string text;
    for (const auto& one : footnote.differences) text += (text.empty() ? "" : "; ") + one;
    footnotes += fmt::format(
        "<li id=\"mark-{0}-{1}\" tabindex=\"-1\"><b>{1}</b> Not as most of its column: {2}.</li>",
        table.number, escape(footnote.mark), escape(text));
  }
  if (!footnotes.empty()) html += "<ul class=\"footnotes\">" + footnotes + "</ul>";
  std::string sources;
  for (const auto& source : table.sources) sources += "<li>" + escape(source) + "</li>";
  if (!sources.empty())
    html += "<p class=\"note\">Published values are from</p><ul class=\"footnotes\">" + sources +
            "</ul>";
  return html;
}

/// "cover 93.4 %, 11.6 above scratch"
std::string best_text(const ResultTable& table, const Column& column) {
  const ResultEntry* best = nullptr;
  const ResultRow* row = nullptr;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const auto* entry = column.entries[i];
    if (!entry || !entry->mean) continue;
    if (best &&
        (column.higher_is_better ? *entry->mean <= *best->mean : *entry->mean >= *best->mean))
      continue;
    best = entry;
    row = &table.rows[i];
  }
  if (!best) return "no result yet";
  const auto digits = digits_of(column.unit);
  auto text = fmt::format("{} is first with {} {}{}", row->title(), column.metric,
                          number(best->mean, digits), column.unit.empty() ? "" : " " + column.unit);
  if (best->difference)
    text +=
        fmt::format(", {} against {}", signed_number(*best->difference, digits), table.baseline);
  return text;
}

std::string settled_text(const ResultTable& table, const Column& column) {
  std::size_t compared = 0, better = 0, worse = 0;
  for (const auto* entry : column.entries) {
    if (!entry || !entry->difference) continue;
    ++compared;
    const auto& bounds = entry->difference_interval;
    if (bounds.low <= 0 && bounds.high >= 0) continue;
    (bounds.low > 0) == column.higher_is_better ? ++better : ++worse;
  }
  if (compared == 0) return ".";
  return fmt::format(
      ". Of {} compared with {}, {} are better, {} worse, and {} the cases do not tell "
      "apart.",
      counted(compared, "row"), table.baseline, better, worse, compared - better - worse);
}

}  // namespace

int digits_of(const std::string& unit) {
  return unit == "%" ? 1 : 2;
}

std::vector<std::string> table_verdicts(const ResultTable& table) {
  std::vector<std::string> verdicts;
  for (const auto& column : columns_of(table, /*main=*/true))
    verdicts.push_back(column.task + ": " + best_text(table, column) + settled_text(table, column));
  return verdicts;
}

std::string result_table(const ResultTable& table, const std::vector<std::string>& linked) {
  auto main = empty_grid(table);
  for (const auto& column : columns_of(table, /*main=*/true)) add_column(main, table, column);
  std::vector<std::string> averages;
  for (const auto& average : table.averages)
    if (std::find(averages.begin(), averages.end(), average.over) == averages.end())
      averages.push_back(average.over);
  for (const auto& over : averages) add_average(main, table, over);
  if (main.width == 0) return "<p class=\"warning\">No cell has been measured yet.</p>";
  auto html = grid_html(table, main, "Table", linked) + notes_of(table);
  auto further = empty_grid(table);
  for (const auto& column : columns_of(table, /*main=*/false)) add_column(further, table, column);
  if (further.width > 0)
    html += "<h3>Further metrics</h3>" + grid_html(table, further, "Further metrics", linked);
  return html;
}

}  // namespace covector::report
