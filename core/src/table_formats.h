#pragma once

#include "table.h"

#include <string>

namespace covector {

/// A pipe table for each of the two grids of the layout, its notes and footnotes below.
COVECTOR_API std::string to_markdown(const Table& table);
/// Two tabulars for the package booktabs in a threeparttable: as the paper has it, without spread
/// and intervals, which would not fit, and with an asterisk for p; notes and footnotes below.
COVECTOR_API std::string to_latex(const Table& table);
/// A page of its own: no script, no other file.
COVECTOR_API std::string to_html(const Table& table);
/// A line a metric, row and column, and one an average, after a line of names; numbers as they are,
/// not rounded. RFC 4180.
COVECTOR_API std::string to_csv(const Table& table);
/// All of the table; read back by table_of_json().
///
///   {"baseline": "scratch", "published": ["the paper, Table 1"],
///    "rows": [{"pretraining", "backbone", "family", "note"}],
///    "columns": [{"task", "dimensions"}],
///    "entries": [{"pretraining", "task", "metric", "unit", "higher_is_better", "mean", "spread",
///                 "seeds", "of_set", "undefined", "main", "cases", "interval": [low, high],
///                 "against_baseline": {"difference", "low", "high", "cases"}, "p_value",
///                 "published", "state", "protocol": "a", "backbone", "note"}],
///    "averages": [{"pretraining", "over": "2D", "mean", "difference", "published", "unit",
///                  "higher_is_better", "missing": ["kipa22-2d"], "protocol": ["a"], "backbone"}],
///    "protocols": [{"mark": "a", "differences": ["loop.steps: 200, others 400"]}]}
///
/// `mean`, and of averages `difference` and `published`, are null where there is none; of entries
/// the keys from `interval` on are left out. `state` is that of cells that are not finished.
COVECTOR_API std::string to_json(const Table& table);
/// @throws nlohmann::json::exception when the text is not what to_json() writes
COVECTOR_API Table table_of_json(const std::string& text);

}  // namespace covector
