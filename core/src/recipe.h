#pragma once

#include "covector/core/option_table.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace covector {

/// What a recipe file says once its bases, the command line and the environment are put in.
struct Recipe {
  OptionTable table;                         // without the key `extends`
  std::filesystem::path file;                // the recipe itself
  std::vector<std::filesystem::path> files;  // all that were read, the recipe first
};

/// Reads a recipe.
///
/// `extends = "../base/x.toml"`, or an array of such, names recipes that this one builds on, from
/// the folder of the file that says so. They are merged in order, then the file itself, then the
/// overrides, key by key and table by table; arrays are replaced as a whole. A table whose `type`
/// differs from the one below it replaces that whole table: options of another part mean nothing
/// to it.
///
/// An override is `a.b.c=VALUE` with VALUE as TOML has it; what is not TOML is a string. In every
/// string that is left after merging, `${NAME}` is replaced from the environment and `$${` stands
/// for `${`.
///
/// Throws one RecipeError with all that is wrong, each with file:line:column or the override.
COVECTOR_API Recipe load_recipe(const std::filesystem::path& file,
                                const std::vector<std::string>& overrides = {});

/// Sets options as overrides do. Throws RecipeError.
COVECTOR_API void set_options(OptionTable& table, const std::vector<std::string>& overrides);

/// Puts `over` on top of `base` as `extends` does: key by key and table by table, a table with
/// another `type` in place of the one below.
COVECTOR_API void merge(OptionTable& base, const OptionTable& over);

/// TOML text as a table whose values know where they stand, in the order of the text. Throws
/// RecipeError.
COVECTOR_API OptionTable parse_toml(std::string_view text, const std::string& file);

/// A TOML file of the table that load_recipe() reads back as it is: plain keys first, then the
/// tables, each under its [header].
/// @param provenance  adds where each value came from as a comment at the end of its line
COVECTOR_API std::string to_toml_document(const OptionTable& table, bool provenance = false);

/// One option in dotted form, as text: method.radius, 2.
struct FlatOption {
  std::string key;
  const OptionValue* value;
};
/// All options of a table that are not tables themselves, tables that are empty included. Points
/// into `table`.
COVECTOR_API std::vector<FlatOption> flatten(const OptionTable& table);

/// An option that two tables set differently, as TOML text; empty where it is not set.
struct Difference {
  std::string key;
  std::string first;
  std::string second;
};
/// The order of keys makes no difference; 1 and 1.0 do.
COVECTOR_API std::vector<Difference> diff(const OptionTable& first, const OptionTable& second);

}  // namespace covector
