#pragma once

#include "table.h"

#include <string>
#include <vector>

namespace covector {

/// What a cell of a table shows, as text that each format puts together in its own way. All but one
/// of `value` and `instead` are empty where there is nothing to say.
struct LaidCell {
  std::string value;       // "94.0"
  int rank = 0;            // 1: the best of its column, 2: the second, 0: another
  std::string spread;      // "0.4"
  std::string interval;    // "[93.2, 94.7]"
  std::string difference;  // "+12.2"
  std::string difference_interval;
  std::string p;             // "p < 0.001", "p = 0.012"
  bool significant = false;  // p < 0.05
  std::string published;
  std::string marks;    // "a,b"
  std::string instead;  // of a value: "not begun", "undefined"
};

struct LaidColumn {
  std::string title;                          // "scr DSC"
  std::string unit;                           // "%"
  std::optional<bool> higher_is_better = {};  // not known of a task without a measurement
};

struct LaidRow {
  std::string group;  // the family of its method; empty for none
  std::string title;
  std::vector<LaidCell> cells;
};

struct LaidGrid {
  std::vector<LaidColumn> columns;
  std::vector<LaidRow> rows;
};

/// A table as people read it: the paper's layout, with the main metric of each task and then the
/// averages; the further metrics apart; and what is to be said below.
struct Layout {
  std::string row_heading;  // "pretraining"
  LaidGrid main;
  LaidGrid further;
  std::vector<std::string> reading;  // what the parts of a cell are
  std::vector<std::string>
      short_reading;               // the same without spread, interval and p: see to_latex()
  std::vector<std::string> notes;  // a sentence or more each
  std::vector<Footnote> footnotes;
};

/// Numbers have the digits of the paper: one decimal of a percentage, two of what has another unit.
/// A row is best or second among those of its backbone.
COVECTOR_API Layout lay_out(const Table& table);

/// "scr DSC [%] ↑"
COVECTOR_API std::string heading(const LaidColumn& column);
/// "Not as most of its column: loop.steps: 200, others 400; ..."
COVECTOR_API std::string footnote_text(const Footnote& footnote);

}  // namespace covector
