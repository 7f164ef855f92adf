#pragma once

#include "benchmark.h"

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace covector {

/// Writes the tables of a benchmark from what its cells have measured so far: table.json, table.md,
/// table.csv, table.tex and table.html in its folder; prints the Markdown. May be called at any
/// time: a cell that is not finished is empty, with its state.
///
/// @param output      the benchmark's folder
/// @param registries  the plug-ins of the plan's methods have been opened: they say which family a
///                    method is of, and whether it is a reconstruction
/// @throws  RecipeError when the file of published values is not valid; Error with the path when a
///          measurement cannot be read or a table cannot be written
COVECTOR_API void write_tables(const BenchmarkPlan& plan, const std::filesystem::path& output,
                               const Registries& registries, std::ostream& out);

/// The table of a benchmark in one format: "markdown", "csv", "latex", "json" or "html".
///
/// @param output  a benchmark's folder, with its table.json
/// @throws  Error when there is no table.json, or none that can be read; RecipeError for another
///          format
COVECTOR_API std::string table_text(const std::filesystem::path& output, const std::string& format);

/// As above, of several benchmarks side by side, such as the 2D and the 3D half of one comparison:
/// their columns stand one after another, and rows of one name are one row. Averages are taken
/// anew.
/// @throws  RecipeError when their baselines differ, or two have a column of the same name
COVECTOR_API std::string table_text(const std::vector<std::filesystem::path>& outputs,
                                    const std::string& format);

}  // namespace covector
