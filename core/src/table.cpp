#include "table.h"

#include "covector/core/random.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <numeric>

namespace covector {
namespace {

using Json = nlohmann::ordered_json;

double mean_of_values(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

template <class T>
void add_once(std::vector<T>& list, const T& value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

using Cells = std::vector<const CellResult*>;

Cells cells_of(const std::vector<CellResult>& all, const std::string& row,
               const std::string& column) {
  Cells cells;
  for (const auto& cell : all)
    if (cell.row == row && cell.column == column) cells.push_back(&cell);
  return cells;
}

/// Value of each case, averaged over the seeds in which it is defined.
std::map<std::string, double> values_by_case(const Cells& cells, const std::string& metric) {
  std::map<std::string, std::vector<double>> all;
  for (const auto* cell : cells)
    for (const auto& [id, value] : by_case(cell->measurement, metric)) all[id].push_back(value);
  std::map<std::string, double> means;
  for (const auto& [id, values] : all) means[id] = mean_of_values(values);
  return means;
}

std::optional<Paired> compare(const Cells& cells, const Cells& baseline,
                              const std::string& metric) {
  const auto ours = values_by_case(cells, metric);
  const auto theirs = values_by_case(baseline, metric);
  std::vector<double> differences;
  for (const auto& [id, value] : ours)
    if (const auto other = theirs.find(id); other != theirs.end())
      differences.push_back(value - other->second);
  if (differences.empty()) return std::nullopt;
  // Contributions to a metric of the set are those to the whole set.
  const bool same_cases = differences.size() == ours.size() && ours.size() == theirs.size();
  if (cells.front()->measurement.is_of_set(metric) && !same_cases) return std::nullopt;
  const auto [low, high] = bootstrap_interval(differences);
  return Paired{mean_of_values(differences), low, high,
                static_cast<std::int64_t>(differences.size())};
}

TableEntry entry_of(const Cells& cells, const Metric& metric) {
  TableEntry entry;
  entry.row = cells.front()->row;
  entry.column = cells.front()->column;
  entry.metric = metric;
  entry.of_set = cells.front()->measurement.is_of_set(metric.name);
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
  if (by_seed.size() < 2) return entry;
  double squares = 0;
  for (const auto value : by_seed) squares += (value - *entry.mean) * (value - *entry.mean);
  entry.spread = std::sqrt(squares / static_cast<double>(by_seed.size() - 1));
  return entry;
}

std::string number(double value, const char* format = "%.2f") {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string cell_text(const TableEntry& entry) {
  if (!entry.mean) return "undefined";
  auto text = number(*entry.mean);
  if (entry.spread) text += " ± " + number(*entry.spread);
  if (const auto& paired = entry.against_baseline)
    text += " (" + number(paired->difference, "%+.2f") + " [" + number(paired->low, "%+.2f") +
            ", " + number(paired->high, "%+.2f") + "])";
  return text;
}

std::string heading(const TableEntry& entry) {
  return entry.column + " " + entry.metric.name +
         (entry.metric.unit.empty() ? "" : " [" + entry.metric.unit + "]") +
         (entry.metric.higher_is_better ? " ↑" : " ↓");
}

std::string row_title(const TableEntry& entry) {
  return entry.backbone.empty() ? entry.row : entry.backbone + ", " + entry.row;
}

/// Whether any row has a value in this entry's column (millimetres, where no spacing is known).
bool defined_anywhere(const std::vector<TableEntry>& table, const TableEntry& entry) {
  return std::any_of(table.begin(), table.end(), [&](const TableEntry& other) {
    return other.mean && heading(other) == heading(entry);
  });
}

}  // namespace

std::pair<double, double> bootstrap_interval(const std::vector<double>& values) {
  constexpr int kDraws = 10000;
  RandomStream random(0, "bootstrap");
  const auto size = static_cast<std::int64_t>(values.size());
  std::vector<double> means(kDraws);
  for (auto& mean : means) {
    for (std::int64_t i = 0; i < size; ++i) mean += values[random.integer(size)];
    mean /= static_cast<double>(size);
  }
  std::sort(means.begin(), means.end());
  return {means[kDraws * 25 / 1000], means[kDraws * 975 / 1000 - 1]};
}

std::vector<TableEntry> make_table(const std::vector<CellResult>& cells,
                                   const std::string& baseline,
                                   const std::map<std::string, std::string>& notes) {
  std::vector<std::string> rows;
  std::vector<std::string> columns;
  for (const auto& cell : cells) {
    add_once(rows, cell.row);
    add_once(columns, cell.column);
  }
  std::vector<TableEntry> table;
  for (const auto& row : rows)
    for (const auto& column : columns) {
      const auto own = cells_of(cells, row, column);
      if (own.empty()) continue;
      for (const auto& metric : own.front()->measurement.metrics) {
        auto entry = entry_of(own, metric);
        if (!baseline.empty() && row != baseline)
          entry.against_baseline = compare(own, cells_of(cells, baseline, column), metric.name);
        if (const auto note = notes.find(row); note != notes.end()) entry.note = note->second;
        table.push_back(std::move(entry));
      }
    }
  return table;
}

std::string to_markdown(const std::vector<TableEntry>& table, const std::string& baseline) {
  std::vector<std::string> rows;
  std::vector<std::string> headings;
  std::map<std::pair<std::string, std::string>, std::string> cells;
  std::map<std::string, std::string> notes;
  std::vector<std::string> empty;
  std::int64_t seeds = 0;
  for (const auto& entry : table) {
    add_once(rows, row_title(entry));
    if (!entry.note.empty()) notes[row_title(entry)] = " (" + entry.note + ")";
    if (!defined_anywhere(table, entry)) {
      add_once(empty, heading(entry));
      continue;
    }
    add_once(headings, heading(entry));
    cells[{row_title(entry), heading(entry)}] = cell_text(entry);
    seeds = std::max(seeds, entry.seeds);
  }
  const bool backbones = !table.empty() && !table.front().backbone.empty();
  std::string text = backbones ? "| backbone, pretraining |" : "| pretraining |";
  for (const auto& title : headings) text += " " + title + " |";
  text += "\n|---|";
  for (std::size_t i = 0; i < headings.size(); ++i) text += "---|";
  for (const auto& row : rows) {
    text += "\n| " + row + notes[row] + " |";
    for (const auto& title : headings) text += " " + cells[{row, title}] + " |";
  }
  text += "\n\nMean over cases, then over " + std::to_string(seeds) +
          (seeds == 1 ? " seed." : " seeds, ± standard deviation over seeds.");
  if (!baseline.empty())
    text += " In brackets: difference to " + baseline + (backbones ? " of the same backbone" : "") +
            ", paired by case, with its 95 % bootstrap interval over cases.";
  std::vector<std::string> of_set;
  for (const auto& entry : table)
    if (entry.of_set && defined_anywhere(table, entry)) add_once(of_set, heading(entry));
  for (const auto& title : of_set)
    text += "\n" + title + " is of all cases together, no mean over them.";
  for (const auto& title : empty) text += "\n" + title + " is undefined in every case.";
  for (const auto& entry : table)
    if (entry.undefined > 0 && defined_anywhere(table, entry))
      text += "\n" + row_title(entry) + ", " + heading(entry) + ": " +
              std::to_string(entry.undefined) + " undefined values are left out.";
  return text + "\n";
}

std::string to_json(const std::vector<TableEntry>& table, const std::string& baseline) {
  const auto optional = [](const std::optional<double>& value) {
    return value ? Json(*value) : Json();
  };
  Json entries = Json::array();
  for (const auto& entry : table) {
    Json json{{"pretraining", entry.row},
              {"task", entry.column},
              {"metric", entry.metric.name},
              {"unit", entry.metric.unit},
              {"higher_is_better", entry.metric.higher_is_better},
              {"mean", optional(entry.mean)},
              {"spread", optional(entry.spread)},
              {"seeds", entry.seeds},
              {"of_set", entry.of_set},
              {"undefined", entry.undefined}};
    if (const auto& paired = entry.against_baseline)
      json["against_baseline"] = {{"difference", paired->difference},
                                  {"low", paired->low},
                                  {"high", paired->high},
                                  {"cases", paired->cases}};
    if (!entry.backbone.empty()) json["backbone"] = entry.backbone;
    if (!entry.note.empty()) json["note"] = entry.note;
    entries.push_back(std::move(json));
  }
  const Json json{{"baseline", baseline}, {"entries", std::move(entries)}};
  return json.dump(2) + "\n";
}

}  // namespace covector
