#pragma once

#include "covector/core/export.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace covector::analysis {

/// What an analysis found, as it stands in FOLDER/analysis/NAME.json for the report to draw. Every
/// document has
///
///   "title"  a heading
///   "about"  a sentence or a few: what was measured, on what, with which settings, and how to read
///            it
///   "kind"   what else is in it:
///
/// kind "curves": lines over a number, in panels side by side
///   {"panels": [{"title", "x", "y",                    names of the axes with their units
///                "x_log": false, "y_log": false,
///                "lines": [{"name", "points": [[x, y], ...]}]}]}     in ascending x
///
/// kind "bars": groups of bars, in panels
///   {"panels": [{"title", "y", "groups": ["within a label", ...],
///                "bars": [{"name", "values": [number or null, ...]}]}]}   a value a group
///
/// kind "scatter": points, in panels that share their classes
///   {"classes": ["background", ...],
///    "panels": [{"title", "note",                      a line below the panel, may be empty
///                "x", "y",                             names of the axes; empty: they mean nothing
///                "line": "none" or "identity",         whether y = x is drawn
///                "points": [[x, y, class], ...]}]}     class counts from 0
///
/// kind "pictures": rows of pictures
///   {"rows": [{"title", "pictures": [{"file", "title"}]}]}   file: relative to the document
///
/// Any kind may have a "table": {"columns": [...], "rows": [[text, number or null, ...], ...]}
/// besides, the numbers behind the drawing.
struct Table {
  /// A cell is a text, or a number that may be missing.
  struct Cell {
    Cell(std::string words) : text(std::move(words)) {}
    Cell(std::optional<double> value) : number(value), is_number(true) {}
    Cell(double value) : number(value), is_number(true) {}

    std::string text = {};
    std::optional<double> number = {};
    bool is_number = false;
  };
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;
};

struct Result {
  std::string name;  // of the file, without .json
  std::string title;
  std::string about;
  std::string kind;
  nlohmann::ordered_json drawing;  // the keys of the kind
  Table table;                     // not written where it has no columns
};

/// Writes FOLDER/analysis/NAME.json, replacing an older one. A crash leaves the old or the new.
/// @returns  the file
/// Throws Error with the path when it cannot be written.
COVECTOR_API std::filesystem::path write(const Result& result, const std::filesystem::path& folder);

/// The table with a space between columns, numbers to four digits, as the program prints it.
COVECTOR_API std::string to_text(const Table& table);

}  // namespace covector::analysis
