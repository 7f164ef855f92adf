#pragma once

#include "benchmark.h"

#include <string>
#include <vector>

namespace covector {

/// Which cells of a plan to run: those whose names fit a pattern of `only`, or all where it is
/// empty, but for those that fit one of `skip`. In a pattern "*" stands for any letters, "/" too,
/// "?" for one and "[ab]" for one of some.
/// @returns  one value a cell
/// @throws   RecipeError with the names that are near when a pattern fits no cell, and when nothing
///           is left
COVECTOR_API std::vector<bool> choose_cells(const BenchmarkPlan& plan,
                                            const std::vector<std::string>& only,
                                            const std::vector<std::string>& skip);

/// The cell of a name. Throws RecipeError with the names that are near when there is none.
COVECTOR_API const Cell& cell_named(const BenchmarkPlan& plan, const std::string& name);

}  // namespace covector
