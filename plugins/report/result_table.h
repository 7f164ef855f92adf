#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace covector::report {

struct Bounds {
  double low = 0, high = 0;
};

struct ResultRow {
  std::string name, backbone;  // the pretraining and, where there are several, the network
  std::string family;          // of the method, such as "GL"; may be empty
  std::string note;            // that it is a reconstruction, and from what

  std::string title() const { return backbone.empty() ? name : name + " with " + backbone; }
};

/// One number of the table. The fields are those of core's TableEntry, as table.json spells them.
struct ResultEntry {
  std::string row, backbone, task, metric, unit;
  bool higher_is_better = true;
  bool main = true;  // the first metric of its task
  std::optional<double> mean, spread;
  std::optional<Bounds> interval;
  std::optional<double> difference;  // to the baseline, paired by case
  Bounds difference_interval;
  std::int64_t difference_cases = 0;
  std::optional<double> p_value, published;
  std::int64_t seeds = 0, cases = 0;
  std::string state;  // of cells that are not finished: "not run", "1 of 3 seeds: failed"
  std::string mark;   // of a footnote
};

/// Mean of a row's main metrics over tasks.
struct ResultAverage {
  std::string row, backbone, over, unit;  // over "2D", "3D" or "all"
  bool higher_is_better = true;
  std::optional<double> mean, difference, published;
  std::vector<std::string> missing, marks;
};

struct ResultFootnote {
  std::string mark;
  std::vector<std::string> differences;
};

/// A benchmark's table.json.
struct ResultTable {
  std::string benchmark;   // name of its folder
  std::size_t number = 0;  // among the tables of the page
  std::string baseline;
  std::vector<ResultRow> rows;
  std::vector<std::string> tasks;
  std::vector<ResultEntry> entries;
  std::vector<ResultAverage> averages;
  std::vector<ResultFootnote> footnotes;
  std::vector<std::string> sources;  // of the published values
};

/// Throws nlohmann::json::exception when the file is not what a benchmark writes.
ResultTable read_result_table(const std::filesystem::path& file);

/// How many digits a number of a unit is shown with: one of a percentage, as in the paper; two of
/// others.
int digits_of(const std::string& unit);

/// What the table says of each task in a sentence or two: the best row, and how many rows differ
/// from the baseline by more than their interval over cases.
std::vector<std::string> table_verdicts(const ResultTable& table);

/// The table as people read it: a column each for the mean, the difference to the baseline and,
/// where known, the published value of a task; averages; further metrics; footnotes and sources.
/// @param linked  names of rows that have a section #method-N of their own on the page, in order
std::string result_table(const ResultTable& table, const std::vector<std::string>& linked);

}  // namespace covector::report
