#pragma once

#include "arguments.h"
#include "run.h"

#include <string>
#include <vector>

namespace covector::cli {

using Strings = std::vector<std::string>;

// Options that several commands take.
void add_set(Syntax& syntax);      // --set
void add_machine(Syntax& syntax);  // --device, --threads
void add_json(Syntax& syntax);     // --json
void add_output(Syntax& syntax);   // --output, of a run

/// A value that was given, or an empty one.
std::string text_of(const po::variables_map& values, const char* name);
Strings list_of(const po::variables_map& values, const char* name);

/// The recipe that RECIPE and --set say.
Recipe recipe_of(const po::variables_map& values);
/// What is asked for by these options. Throws RecipeError.
RunRequest request_of(const po::variables_map& values);

}  // namespace covector::cli
