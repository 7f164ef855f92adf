#pragma once

#include "covector/core/statistics.h"
#include "measure.h"
#include "protocol.h"
#include "published.h"

#include <cstdint>
#include <string>
#include <vector>

namespace covector {

/// What a row is called where there are several backbones: "unet, cover".
COVECTOR_API std::string row_title(const std::string& row, const std::string& backbone);

/// One cell of a benchmark, and what it measured if it is finished.
struct CellResult {
  std::string row;     // the pretraining
  std::string column;  // the task
  std::int64_t seed = 0;
  Measurement measurement;
  std::string backbone = {};  // that the row is of, where a benchmark has several
  std::string state = {};     // why there is no measurement: "not begun", "failed"; empty: finished
  Protocol protocol = {};     // what it was made under
};

struct TableRow {
  std::string name;
  std::string backbone = {};
  std::string family = {};  // of the method: "GL", "BCL", "DBCL", "VR", or none
  std::string note = {};    // that the method is a reconstruction, and from what

  bool operator==(const TableRow&) const = default;
};

struct TableColumn {
  std::string name;
  std::int64_t dimensions = 0;  // of its images, 2 or 3; 0: not known

  bool operator==(const TableColumn&) const = default;
};

/// Difference of a row to the baseline, paired by case. Of a metric of the set, such as an area
/// under a curve, the pairs are what each case contributes to it (SetValue).
struct Paired {
  double difference = 0;  // mean over cases of (row - baseline), each the mean over its seeds
  double low = 0;         // 95 % interval: percentiles 2.5 and 97.5 of bootstrapped means
  double high = 0;
  std::int64_t cases = 0;  // those with a value in both
  /// Two-sided: signed_rank_test over cases; of a metric of the set stratified_mean_p of its
  /// contributions by true class, which for an area of two classes is DeLong's test.
  std::optional<double> p_value = {};
};

/// One number of the table: a metric of a task under a pretraining.
struct TableEntry {
  std::string row;
  std::string column;
  Metric metric;                      // without a name where nothing of the task was measured yet
  std::optional<double> mean = {};    // over cases, then over seeds
  std::optional<double> spread = {};  // standard deviation over seeds (n - 1); none with one seed
  std::int64_t seeds = 0;             // with a value
  std::int64_t undefined = 0;         // case values left out of the means, over all seeds
  bool of_set = false;                // of all cases together, no mean over them
  std::optional<Paired> against_baseline = {};
  std::string backbone = {};
  bool main = true;                       // the first metric of its task, which is the paper's
  std::optional<Interval> interval = {};  // 95 %, of the mean: bootstrap over seeds and cases
  std::int64_t cases = 0;                 // with a value under any seed
  std::string state = {};  // of cells that are not finished: "not begun", "1 of 3 seeds: failed"
  std::optional<double> published = {};
  std::string mark = {};  // of the footnote that says what it was made under; see Footnote
};

/// Mean of a row's main metrics over tasks.
struct TableAverage {
  std::string row;
  std::string backbone = {};
  std::string over;                       // "2D", "3D" or "all"
  std::optional<double> mean = {};        // none unless every task has a value
  std::optional<double> difference = {};  // to the baseline's
  std::optional<double> published = {};   // of the published values, if each is known
  std::vector<std::string> missing = {};  // the tasks without a value
  std::vector<std::string> marks = {};    // of the values it is taken over
  Metric metric = {};                     // unit and direction that its tasks share
};

/// What the cells that carry a mark were made under, where most others of their column were not.
struct Footnote {
  std::string mark;  // "a", "b", ...
  std::vector<std::string> differences;
};

/// A table of rows, pretrainings, against columns, tasks.
struct COVECTOR_API Table {
  std::string baseline = {};  // the row that the others are compared with; empty for none
  std::vector<TableRow> rows = {};
  std::vector<TableColumn> columns = {};
  std::vector<TableEntry> entries = {};  // by row, column and metric
  std::vector<TableAverage> averages = {};
  std::vector<Footnote> footnotes = {};
  std::vector<std::string> sources = {};  // of the published values that it shows

  const TableEntry* find(const TableRow& row, const std::string& column,
                         const std::string& metric) const;
  /// The entry of a row and column that holds the main metric, or the state of its cell.
  const TableEntry* main_entry(const TableRow& row, const std::string& column) const;
};

/// The table of some cells, without averages and published values. Rows, columns and metrics stand
/// in the order in which they first appear. A row is compared with the baseline of its backbone.
///
/// Cells of a column that were made under another protocol than most are marked: see
/// differences(). So are the values of rows that have fewer seeds than they should.
/// @param baseline  the row to compare the others with; empty for none
COVECTOR_API Table make_table(const std::vector<CellResult>& cells, const std::string& baseline);

/// Sorts the rows by the family of their method, in the order of the paper: none, generative,
/// binary contrast, dense binary contrast, vector regression; rows of a family stay in their order.
COVECTOR_API void sort_by_family(Table& table);

/// Puts published values beside the measured ones. Throws RecipeError where a task measures other
/// metrics than the one that is published.
COVECTOR_API void add_published(Table& table, const Published& published);

/// Adds the averages over the 2D tasks, the 3D tasks and all of them, of each row's own values:
/// those of two tasks or more. An average is absent where a value is, or where metrics have other
/// units or directions.
COVECTOR_API void add_averages(Table& table);

/// The tables of several benchmarks side by side: rows of one name are one row. Averages are taken
/// anew. Throws RecipeError when their baselines differ or two have a column of the same name.
COVECTOR_API Table join(const std::vector<Table>& tables);

/// "Generative" for "GL", and so on; the word itself for another.
COVECTOR_API std::string family_title(const std::string& family);

}  // namespace covector
