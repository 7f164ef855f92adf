#include "table.h"

#include "covector/core/error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string_view>
#include <utility>

namespace covector {
namespace {

double mean_of_values(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

template <class T>
void add_once(std::vector<T>& list, const T& value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

using Cells = std::vector<const CellResult*>;
using ByCase = std::map<std::string, double>;

Cells cells_of(const std::vector<CellResult>& all, const TableRow& row, const std::string& column) {
  Cells cells;
  for (const auto& cell : all)
    if (cell.row == row.name && cell.backbone == row.backbone && cell.column == column)
      cells.push_back(&cell);
  return cells;
}

Cells finished(const Cells& cells) {
  Cells out;
  for (const auto* cell : cells)
    if (cell->state.empty()) out.push_back(cell);
  return out;
}

/// "not begun" where all cells say so; "1 of 3 seeds: failed" where some are finished.
std::string state_of(const Cells& cells) {
  std::vector<std::string> states;
  for (const auto* cell : cells)
    if (!cell->state.empty()) add_once(states, cell->state);
  const auto missing = cells.size() - finished(cells).size();
  if (missing == 0 || missing == cells.size()) return joined(states, ", ");
  return std::to_string(missing) + " of " + std::to_string(cells.size()) +
         " seeds: " + joined(states, ", ");
}

/// Value of each case, averaged over the seeds in which it is defined.
ByCase values_by_case(const Cells& cells, const std::string& metric) {
  std::map<std::string, std::vector<double>> all;
  for (const auto* cell : cells)
    for (const auto& [id, value] : by_case(cell->measurement, metric)) all[id].push_back(value);
  ByCase means;
  for (const auto& [id, values] : all) means[id] = mean_of_values(values);
  return means;
}

/// The true class of each case, empty where there are none.
std::map<std::string, std::string> truths(const CellResult& cell) {
  std::map<std::string, std::string> out;
  for (const auto& result : cell.measurement.cases) out[result.id] = result.truth;
  return out;
}

std::optional<Paired> compare(const Cells& cells, const Cells& baseline,
                              const std::string& metric) {
  if (cells.empty() || baseline.empty()) return std::nullopt;
  const auto ours = values_by_case(cells, metric);
  const auto theirs = values_by_case(baseline, metric);
  const auto classes = truths(*cells.front());
  std::vector<double> differences;
  std::vector<std::string> strata;
  for (const auto& [id, value] : ours)
    if (const auto other = theirs.find(id); other != theirs.end()) {
      differences.push_back(value - other->second);
      const auto truth = classes.find(id);
      strata.push_back(truth == classes.end() ? "" : truth->second);
    }
  if (differences.empty()) return std::nullopt;
  // Contributions to a metric of the set are those to the whole set.
  const bool of_set = cells.front()->measurement.is_of_set(metric);
  const bool same_cases = differences.size() == ours.size() && ours.size() == theirs.size();
  if (of_set && !same_cases) return std::nullopt;
  const auto [low, high] = bootstrap_interval(differences);
  return Paired{mean_of_values(differences), low, high,
                static_cast<std::int64_t>(differences.size()),
                of_set ? stratified_mean_p(differences, strata)
                       : std::optional(signed_rank_test(differences).p)};
}

/// The values of the seeds that have one, seed by case.
std::optional<Interval> interval_of(const Cells& cells, const std::string& metric,
                                    const std::vector<std::string>& ids) {
  std::vector<std::vector<std::optional<double>>> values;
  for (const auto* cell : cells) {
    const auto own = by_case(cell->measurement, metric);
    if (own.empty()) continue;
    auto& row = values.emplace_back();
    for (const auto& id : ids) {
      const auto value = own.find(id);
      row.push_back(value == own.end() ? std::nullopt : std::optional(value->second));
    }
  }
  return values.empty() ? std::nullopt : std::optional(bootstrap_interval(values));
}

TableEntry entry_of(const Cells& cells, const Metric& metric) {
  TableEntry entry;
  entry.metric = metric;
  entry.of_set = !cells.empty() && cells.front()->measurement.is_of_set(metric.name);
  std::vector<double> by_seed;
  for (const auto* cell : cells) {
    const auto mean = mean_of(cell->measurement, metric.name);
    if (mean.value) by_seed.push_back(*mean.value);
    for (const auto& result : cell->measurement.cases)
      entry.undefined += mean_of_case(result, metric.name).undefined;
  }
  entry.seeds = static_cast<std::int64_t>(by_seed.size());
  if (by_seed.empty()) return entry;
  entry.mean = mean_of_values(by_seed);
  std::vector<std::string> ids;
  for (const auto& item : values_by_case(cells, metric.name)) ids.push_back(item.first);
  entry.cases = static_cast<std::int64_t>(ids.size());
  entry.interval = interval_of(cells, metric.name, ids);
  if (by_seed.size() < 2) return entry;
  double squares = 0;
  for (const auto value : by_seed) squares += (value - *entry.mean) * (value - *entry.mean);
  entry.spread = std::sqrt(squares / static_cast<double>(by_seed.size() - 1));
  return entry;
}

/// What was measured of a column by the first of its cells that is finished; where there is none, a
/// metric without a name, to hold the state.
std::vector<Metric> metrics_of(const std::vector<CellResult>& cells, const std::string& column) {
  for (const auto& cell : cells)
    if (cell.column == column && cell.state.empty() && !cell.measurement.metrics.empty())
      return cell.measurement.metrics;
  return {Metric{"", "", true}};
}

/// Letters for what cells differ by from most of their column, the same for the same differences.
class Marks {
 public:
  std::string mark(const std::vector<std::string>& differences) {
    if (differences.empty()) return "";
    for (const auto& footnote : footnotes)
      if (footnote.differences == differences) return footnote.mark;
    footnotes.push_back({letters(footnotes.size()), differences});
    return footnotes.back().mark;
  }

  std::vector<Footnote> footnotes;

 private:
  /// a ... z, aa, ab, ...
  static std::string letters(std::size_t number) {
    const std::string last(1, static_cast<char>('a' + number % 26));
    return number < 26 ? last : letters(number / 26 - 1) + last;
  }
};

/// What the cells of a column differ by, of a row all seeds together, with the seeds that it lacks.
std::map<std::pair<std::string, std::string>, std::vector<std::string>> differences_by_row(
    const std::vector<CellResult>& cells, const std::string& column) {
  std::vector<const CellResult*> own;
  std::vector<Protocol> protocols;
  for (const auto& cell : cells) {
    if (cell.column != column || !cell.state.empty()) continue;
    own.push_back(&cell);
    protocols.push_back(cell.protocol);
    // Which network a row is of is part of its name.
    if (!cell.backbone.empty())
      std::erase_if(protocols.back(),
                    [](const auto& item) { return item.first.starts_with("backbone."); });
  }
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> by_row;
  const auto found = differences(protocols);
  for (std::size_t i = 0; i < own.size(); ++i)
    for (const auto& difference : found[i])
      add_once(by_row[{own[i]->backbone, own[i]->row}], difference);
  return by_row;
}

void mark_entries(Table& table, const std::vector<CellResult>& cells) {
  Marks marks;
  for (const auto& column : table.columns) {
    auto by_row = differences_by_row(cells, column.name);
    for (auto& entry : table.entries) {
      if (entry.column != column.name || entry.seeds == 0) continue;
      auto own = by_row[{entry.backbone, entry.row}];
      if (!entry.state.empty()) own.push_back("lacks " + entry.state);
      entry.mark = marks.mark(own);
    }
  }
  table.footnotes = marks.footnotes;
}

constexpr std::array<std::string_view, 5> kFamilies = {"", "GL", "BCL", "DBCL", "VR"};

/// Averages are of tasks that are given in one unit, where more is better in all or in none.
bool alike(const Metric& a, const Metric& b) {
  return a.unit == b.unit && a.higher_is_better == b.higher_is_better;
}

std::vector<std::string> columns_over(const Table& table, const std::string& over) {
  std::vector<std::string> names;
  for (const auto& column : table.columns)
    if (over == "all" || over == std::to_string(column.dimensions) + "D")
      names.push_back(column.name);
  return names;
}

TableAverage average_of(const Table& table, const TableRow& row, const std::string& over,
                        const std::vector<std::string>& columns) {
  TableAverage average{row.name, row.backbone, over};
  std::vector<double> values, published;
  for (const auto& name : columns) {
    const auto* entry = table.main_entry(row, name);
    if (!entry || !entry->mean) {
      average.missing.push_back(name);
      continue;
    }
    average.metric = {"", entry->metric.unit, entry->metric.higher_is_better};
    values.push_back(*entry->mean);
    if (entry->published) published.push_back(*entry->published);
    if (!entry->mark.empty()) add_once(average.marks, entry->mark);
  }
  if (average.missing.empty()) average.mean = mean_of_values(values);
  if (published.size() == columns.size()) average.published = mean_of_values(published);
  return average;
}

/// Whether the main metrics of some columns may be averaged; those that are not known yet may.
bool can_average(const Table& table, const std::vector<std::string>& columns) {
  const Metric* first = nullptr;
  for (const auto& entry : table.entries) {
    if (!entry.main || entry.metric.name.empty()) continue;
    if (std::find(columns.begin(), columns.end(), entry.column) == columns.end()) continue;
    if (!first) first = &entry.metric;
    if (!alike(*first, entry.metric)) return false;
  }
  return columns.size() > 1;
}

const TableAverage* baseline_average(const Table& table, const TableAverage& average) {
  if (table.baseline.empty() || average.row == table.baseline) return nullptr;
  for (const auto& other : table.averages)
    if (other.row == table.baseline && other.backbone == average.backbone &&
        other.over == average.over)
      return &other;
  return nullptr;
}

void append(Table& all, const Table& table) {
  if (table.baseline != all.baseline)
    throw RecipeError("tables of benchmarks whose baselines differ cannot stand side by side: '" +
                      all.baseline + "' and '" + table.baseline + "'");
  for (const auto& column : table.columns) {
    for (const auto& other : all.columns)
      if (other.name == column.name)
        throw RecipeError("two benchmarks have a task '" + column.name +
                          "'; only benchmarks of different tasks can stand side by side");
    all.columns.push_back(column);
  }
  for (const auto& row : table.rows) {
    const auto same = [&](const TableRow& r) {
      return r.name == row.name && r.backbone == row.backbone;
    };
    if (std::none_of(all.rows.begin(), all.rows.end(), same)) all.rows.push_back(row);
  }
  for (const auto& source : table.sources) add_once(all.sources, source);
}

}  // namespace

std::string row_title(const std::string& row, const std::string& backbone) {
  return backbone.empty() ? row : backbone + ", " + row;
}

const TableEntry* Table::find(const TableRow& row, const std::string& column,
                              const std::string& metric) const {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const TableEntry& entry) {
    return entry.row == row.name && entry.backbone == row.backbone && entry.column == column &&
           entry.metric.name == metric;
  });
  return found == entries.end() ? nullptr : &*found;
}

const TableEntry* Table::main_entry(const TableRow& row, const std::string& column) const {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const TableEntry& entry) {
    return entry.row == row.name && entry.backbone == row.backbone && entry.column == column &&
           entry.main;
  });
  return found == entries.end() ? nullptr : &*found;
}

Table make_table(const std::vector<CellResult>& cells, const std::string& baseline) {
  Table table{baseline};
  for (const auto& cell : cells) {
    add_once(table.rows, TableRow{cell.row, cell.backbone});
    add_once(table.columns, TableColumn{cell.column});
  }
  for (const auto& row : table.rows)
    for (const auto& column : table.columns) {
      const auto all = cells_of(cells, row, column.name);
      if (all.empty()) continue;
      const auto own = finished(all);
      const auto compared = finished(cells_of(cells, {baseline, row.backbone}, column.name));
      bool main = true;
      for (const auto& metric : metrics_of(cells, column.name)) {
        auto entry = entry_of(own, metric);
        entry.row = row.name;
        entry.backbone = row.backbone;
        entry.column = column.name;
        entry.state = state_of(all);
        entry.main = std::exchange(main, false);
        if (row.name != baseline) entry.against_baseline = compare(own, compared, metric.name);
        table.entries.push_back(std::move(entry));
      }
    }
  mark_entries(table, cells);
  return table;
}

void sort_by_family(Table& table) {
  std::vector<std::string> backbones;
  for (const auto& row : table.rows) add_once(backbones, row.backbone);
  const auto place = [&](const TableRow& row) {
    return std::pair(std::find(backbones.begin(), backbones.end(), row.backbone),
                     std::find(kFamilies.begin(), kFamilies.end(), row.family));
  };
  std::stable_sort(table.rows.begin(), table.rows.end(),
                   [&](const TableRow& a, const TableRow& b) { return place(a) < place(b); });
}

void add_published(Table& table, const Published& published) {
  for (auto& entry : table.entries) {
    const auto* value = published.find(entry.row, entry.backbone, entry.column);
    if (!value) continue;
    if (value->metric == entry.metric.name || entry.metric.name.empty()) {
      entry.published = value->value;
      add_once(table.sources, value->source);
    } else if (entry.main &&
               !table.find({entry.row, entry.backbone}, entry.column, value->metric)) {
      throw RecipeError("[published] gives " + value->metric + " of task '" + entry.column +
                        "', which measures " + entry.metric.name);
    }
  }
}

void add_averages(Table& table) {
  table.averages.clear();
  const auto flat = columns_over(table, "2D"), solid = columns_over(table, "3D");
  std::vector<std::pair<std::string, std::vector<std::string>>> groups{{"2D", flat}, {"3D", solid}};
  const auto all = columns_over(table, "all");
  if (all.size() != flat.size() && all.size() != solid.size()) groups.emplace_back("all", all);
  for (const auto& row : table.rows)
    for (const auto& [over, columns] : groups)
      if (can_average(table, columns))
        table.averages.push_back(average_of(table, row, over, columns));
  for (auto& average : table.averages)
    if (const auto* other = baseline_average(table, average); other && other->mean && average.mean)
      average.difference = *average.mean - *other->mean;
}

Table join(const std::vector<Table>& tables) {
  if (tables.empty()) throw RecipeError("no benchmark to make a table of");
  Table all{tables.front().baseline};
  Marks marks;
  for (const auto& table : tables) {
    append(all, table);
    for (auto entry : table.entries) {
      for (const auto& footnote : table.footnotes)
        if (footnote.mark == entry.mark) {
          entry.mark = marks.mark(footnote.differences);
          break;
        }
      all.entries.push_back(std::move(entry));
    }
  }
  all.footnotes = marks.footnotes;
  add_averages(all);
  return all;
}

std::string family_title(const std::string& family) {
  if (family == "GL") return "Generative";
  if (family == "BCL") return "Binary contrast";
  if (family == "DBCL") return "Dense binary contrast";
  if (family == "VR") return "Vector regression";
  return family;
}

}  // namespace covector
