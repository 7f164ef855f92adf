#include "table_layout.h"

#include <algorithm>
#include <functional>
#include <set>

namespace covector {
namespace {

template <class T>
void add_once(std::vector<T>& list, const T& value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

std::string number(double value, const std::string& unit, bool sign = false) {
  char text[48];
  std::snprintf(text, sizeof text, sign ? "%+.*f" : "%.*f", unit == "%" ? 1 : 2, value);
  return text;
}

std::string interval_text(double low, double high, const std::string& unit, bool sign = false) {
  return "[" + number(low, unit, sign) + ", " + number(high, unit, sign) + "]";
}

std::string p_text(double p) {
  char text[32];
  std::snprintf(text, sizeof text, "p = %.3f", p);
  return p < 0.001 ? "p < 0.001" : text;
}

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

std::string plural(std::int64_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

LaidColumn column_of(const TableEntry& entry) {
  const auto& metric = entry.metric;
  if (metric.name.empty()) return {entry.column, ""};
  return {entry.column + " " + metric.name, metric.unit, metric.higher_is_better};
}

LaidCell cell_of(const TableEntry& entry) {
  // Nothing is known of a metric that was not measured; papers give percentages.
  const std::string unit = entry.metric.name.empty() ? "%" : entry.metric.unit;
  LaidCell cell;
  if (entry.published) cell.published = number(*entry.published, unit);
  cell.marks = entry.mark;
  if (!entry.mean) {
    cell.instead = entry.state.empty() || entry.seeds > 0 ? "undefined" : entry.state;
    return cell;
  }
  cell.value = number(*entry.mean, unit);
  if (entry.spread) cell.spread = number(*entry.spread, unit);
  if (entry.interval)
    cell.interval = interval_text(entry.interval->low, entry.interval->high, unit);
  if (const auto& paired = entry.against_baseline) {
    cell.difference = number(paired->difference, unit, true);
    cell.difference_interval = interval_text(paired->low, paired->high, unit, true);
    if (paired->p_value) cell.p = p_text(*paired->p_value);
    cell.significant = paired->p_value && *paired->p_value < 0.05;
  }
  return cell;
}

LaidCell cell_of(const TableAverage& average) {
  const auto& unit = average.metric.unit;
  LaidCell cell;
  if (average.mean) cell.value = number(*average.mean, unit);
  if (average.difference) cell.difference = number(*average.difference, unit, true);
  if (average.published) cell.published = number(*average.published, unit);
  cell.marks = joined(average.marks, ",");
  return cell;
}

/// A column while it is put together: what stands in each row, and by what rows are ranked.
struct Draft {
  LaidColumn column;
  std::vector<LaidCell> cells;                // one a row
  std::vector<std::optional<double>> values;  // of the same rows
};

/// Ranks the rows of each backbone; equal values share a rank, and the worst has none.
void rank(Draft& draft, const std::vector<TableRow>& rows) {
  std::map<std::string, std::set<double, std::greater<>>> by_backbone;
  const auto good = [&](std::size_t i) {
    return *draft.column.higher_is_better ? *draft.values[i] : -*draft.values[i];
  };
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (draft.values[i]) by_backbone[rows[i].backbone].insert(good(i));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!draft.values[i]) continue;
    const auto& values = by_backbone[rows[i].backbone];
    const auto place = std::distance(values.begin(), values.find(good(i)));
    const auto worst = static_cast<std::ptrdiff_t>(values.size()) - 1;
    if (place < std::min<std::ptrdiff_t>(worst, 2))
      draft.cells[i].rank = static_cast<int>(place) + 1;
  }
}

/// Whether any row has a value of this metric (millimetres, where no spacing is known), or may yet.
bool shown(const Table& table, const std::string& column, const std::string& metric) {
  return std::any_of(table.entries.begin(), table.entries.end(), [&](const TableEntry& entry) {
    return entry.column == column && entry.metric.name == metric &&
           (entry.mean || !entry.state.empty());
  });
}

Draft draft_of(const Table& table, const std::string& column, const std::string& metric) {
  Draft draft;
  for (const auto& row : table.rows) {
    const auto* entry = table.find(row, column, metric);
    draft.cells.push_back(entry ? cell_of(*entry) : LaidCell{});
    draft.values.push_back(entry ? entry->mean : std::nullopt);
    if (entry) draft.column = column_of(*entry);
  }
  return draft;
}

std::vector<Draft> drafts(const Table& table, bool main) {
  std::vector<Draft> all;
  std::vector<std::pair<std::string, std::string>> seen;
  for (const auto& column : table.columns)
    for (const auto& entry : table.entries) {
      if (entry.column != column.name || entry.main != main) continue;
      const std::pair key(entry.column, entry.metric.name);
      if (!shown(table, key.first, key.second)) continue;
      if (std::find(seen.begin(), seen.end(), key) != seen.end()) continue;
      seen.push_back(key);
      all.push_back(draft_of(table, key.first, key.second));
    }
  return all;
}

std::vector<Draft> average_drafts(const Table& table) {
  std::vector<std::string> over;
  for (const auto& average : table.averages) add_once(over, average.over);
  std::vector<Draft> all;
  for (const auto& word : over) {
    Draft draft;
    draft.cells.resize(table.rows.size());
    draft.values.resize(table.rows.size());
    draft.column.title = word == "all" ? "average" : word + " average";
    for (std::size_t i = 0; i < table.rows.size(); ++i)
      for (const auto& average : table.averages) {
        const auto& row = table.rows[i];
        if (average.over != word || average.row != row.name || average.backbone != row.backbone)
          continue;
        draft.cells[i] = cell_of(average);
        draft.values[i] = average.mean;
        if (!average.mean) continue;
        draft.column.unit = average.metric.unit;
        draft.column.higher_is_better = average.metric.higher_is_better;
      }
    all.push_back(std::move(draft));
  }
  return all;
}

LaidGrid grid_of(const Table& table, std::vector<Draft> drafts) {
  std::set<std::string> families;
  for (const auto& row : table.rows)
    if (!row.family.empty()) families.insert(row.family);
  const bool grouped =
      families.size() > 1 && !table.rows.empty() && table.rows.front().backbone.empty();
  LaidGrid grid;
  for (const auto& row : table.rows)
    grid.rows.push_back(
        {grouped ? family_title(row.family) : "",
         row_title(row.name, row.backbone) + (row.note.empty() ? "" : " (" + row.note + ")"),
         {}});
  for (auto& draft : drafts) {
    rank(draft, table.rows);
    grid.columns.push_back(draft.column);
    for (std::size_t i = 0; i < table.rows.size(); ++i)
      grid.rows[i].cells.push_back(std::move(draft.cells[i]));
  }
  return grid;
}

/// "scr 100, pdcxr 622 to 624"
std::string cases_text(const Table& table) {
  std::string text;
  for (const auto& column : table.columns) {
    std::set<std::int64_t> counts;
    for (const auto& entry : table.entries)
      if (entry.column == column.name && entry.main && entry.mean) counts.insert(entry.cases);
    if (counts.empty()) continue;
    text += (text.empty() ? "" : ", ") + column.name + " " + std::to_string(*counts.begin());
    if (counts.size() > 1) text += " to " + std::to_string(*counts.rbegin());
  }
  return text;
}

bool any(const Table& table, const std::function<bool(const TableEntry&)>& holds) {
  return std::any_of(table.entries.begin(), table.entries.end(), holds);
}

std::int64_t most_seeds(const Table& table) {
  std::int64_t seeds = 0;
  for (const auto& entry : table.entries) seeds = std::max(seeds, entry.seeds);
  return seeds;
}

std::string sentence_on_cases(const Table& table) {
  const auto cases = cases_text(table);
  return cases.empty() ? "" : " Cases: " + cases + ".";
}

bool is_compared(const Table& table) {
  return any(table, [](const TableEntry& entry) { return entry.against_baseline.has_value(); });
}

std::string difference_text(const Table& table) {
  const bool backbones = !table.rows.front().backbone.empty();
  return "difference to " + table.baseline + (backbones ? " of the same backbone" : "") +
         ", paired by case";
}

std::string tests_text(const Table& table) {
  const bool of_set =
      any(table, [](const TableEntry& entry) { return entry.of_set && entry.against_baseline; });
  return std::string("the two-sided p of Wilcoxon's signed-rank test over cases") +
         (of_set ? "; for what is of all cases together, of DeLong's test" : "");
}

std::vector<std::string> reading_of(const Table& table) {
  const auto seeds = most_seeds(table);
  const bool several = seeds > 1;
  std::vector<std::string> reading{
      "Mean over cases, then over " + plural(seeds, "seed") +
      (several ? ", ± standard deviation over seeds" : "") + ", [95 % bootstrap interval over " +
      (several ? "seeds and cases" : "cases") + "]." + sentence_on_cases(table)};
  if (is_compared(table))
    reading.push_back("In brackets: " + difference_text(table) +
                      ", with its 95 % bootstrap interval over cases and " + tests_text(table) +
                      ".");
  return reading;
}

std::vector<std::string> short_reading_of(const Table& table) {
  std::vector<std::string> reading{"Mean over cases, then over " +
                                   plural(most_seeds(table), "seed") + "." +
                                   sentence_on_cases(table)};
  if (is_compared(table))
    reading.push_back("In round brackets: " + difference_text(table) +
                      "; with an asterisk where p < 0.05: " + tests_text(table) + ".");
  if (!table.sources.empty()) reading.push_back("In square brackets: the published value.");
  return reading;
}

std::string heading_of(const TableEntry& entry) {
  return heading(column_of(entry));
}

std::vector<std::string> notes_on_values(const Table& table) {
  std::vector<std::string> of_set, empty, undefined;
  for (const auto& entry : table.entries) {
    const bool seen = shown(table, entry.column, entry.metric.name);
    if (entry.of_set && seen)
      add_once(of_set, heading_of(entry) + " is of all cases together, no mean over them.");
    if (!seen) add_once(empty, heading_of(entry) + " is undefined in every case.");
    if (entry.undefined > 0 && seen)
      undefined.push_back(row_title(entry.row, entry.backbone) + ", " + heading_of(entry) + ": " +
                          std::to_string(entry.undefined) + " undefined values are left out.");
  }
  of_set.insert(of_set.end(), empty.begin(), empty.end());
  of_set.insert(of_set.end(), undefined.begin(), undefined.end());
  return of_set;
}

std::vector<std::string> notes_on_averages(const Table& table) {
  if (table.averages.empty()) return {};
  // Rows that lack the same tasks are told together.
  std::vector<std::pair<std::string, std::string>> lacking;
  for (const auto& average : table.averages) {
    if (average.missing.empty()) continue;
    const auto which = "No average over " +
                       (average.over == "all" ? "all" : "the " + average.over) +
                       " tasks, for want of " + joined(average.missing, ", ") + ": ";
    const auto title = row_title(average.row, average.backbone);
    const auto known = std::find_if(lacking.begin(), lacking.end(),
                                    [&](const auto& one) { return one.first == which; });
    if (known == lacking.end())
      lacking.emplace_back(which, title);
    else
      known->second += "; " + title;
  }
  std::vector<std::string> notes{
      "Averages are taken over a row's own values, before rounding; each task counts the same."};
  for (const auto& [which, rows] : lacking) notes.push_back(which + rows + ".");
  return notes;
}

std::vector<std::string> notes_of(const Table& table, const LaidGrid& main) {
  std::vector<std::string> notes;
  const bool ranked = std::any_of(main.rows.begin(), main.rows.end(), [](const LaidRow& row) {
    return std::any_of(row.cells.begin(), row.cells.end(),
                       [](const LaidCell& cell) { return cell.rank > 0; });
  });
  if (ranked) notes.push_back("Bold: the best of a column; italic: the second best.");
  for (const auto& source : table.sources) notes.push_back("Published: " + source + ".");
  for (const auto& list : {notes_on_values(table), notes_on_averages(table)})
    notes.insert(notes.end(), list.begin(), list.end());
  return notes;
}

}  // namespace

std::string heading(const LaidColumn& column) {
  return column.title + (column.unit.empty() ? "" : " [" + column.unit + "]") +
         (!column.higher_is_better   ? ""
          : *column.higher_is_better ? " ↑"
                                     : " ↓");
}

std::string footnote_text(const Footnote& footnote) {
  return "Not as most of its column: " + joined(footnote.differences, "; ") + ".";
}

Layout lay_out(const Table& table) {
  auto main = drafts(table, true);
  for (auto& draft : average_drafts(table)) main.push_back(std::move(draft));
  Layout layout;
  const bool backbones = !table.rows.empty() && !table.rows.front().backbone.empty();
  layout.row_heading = backbones ? "backbone, pretraining" : "pretraining";
  layout.main = grid_of(table, std::move(main));
  layout.further = grid_of(table, drafts(table, false));
  layout.reading = reading_of(table);
  layout.short_reading = short_reading_of(table);
  layout.notes = notes_of(table, layout.main);
  layout.footnotes = table.footnotes;
  return layout;
}

}  // namespace covector
