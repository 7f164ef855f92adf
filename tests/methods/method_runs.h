#pragma once

#include "smoke/smoke_run.h"

#include <map>
#include <string>
#include <vector>

namespace covector::testing {

/// The methods of the comparison that train, by the family that the paper puts them in.
const std::vector<std::pair<std::string, std::string>>& methods_and_families();
std::vector<std::string> methods();

/// The smoke recipe of a method: <method>.toml in 2D, <method>-3d.toml in 3D.
std::filesystem::path smoke_recipe_of(const std::string& method, int dimensions);

/// Values of an entry of log.jsonl, in the order of its lines; lines without it are passed over.
std::vector<double> logged(const std::filesystem::path& run, const std::string& entry);
/// Names of all entries of log.jsonl.
std::vector<std::string> entries_of(const std::filesystem::path& run);

/// Runs the smoke recipe of a method whole and, from its middle checkpoint, again; both must end
/// the same, bit for bit.
void check_resumes(const std::string& method, int dimensions);

}  // namespace covector::testing
