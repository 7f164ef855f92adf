#include "source.h"

#include "covector/core/error.h"
#include "covector/core/plugin.h"
#include "covector/core/plugin_loader.h"
#include "recipe.h"

namespace covector::data_command {
namespace {

[[noreturn]] void refuse(const Request& request, const std::string& what) {
  throw RecipeError("data " + request.action + ": " + what + "; see covector data --help");
}

OptionTable table_of(const Request& request) {
  OptionTable whole;
  if (request.recipe.empty()) {
    whole.set("dataset", OptionTable{{"type", request.words[0]}, {"root", request.words[1]}});
    set_options(whole, request.set);
  } else {
    whole = load_recipe(request.recipe, request.set).table;
  }
  const auto* section = whole.find("dataset");
  if (!section || !section->as_table())
    refuse(request, request.recipe + " has no section [dataset]");
  return *section->as_table();
}

}  // namespace

Source source_of(const Request& request, const std::vector<std::string>& others) {
  auto expected = others;
  if (request.recipe.empty()) expected.insert(expected.begin(), {"NAME", "ROOT"});
  if (request.words.size() != expected.size()) {
    std::string names;
    for (const auto& name : expected) names += " " + name;
    refuse(request, names.empty() ? "--recipe names the set, and nothing else is taken"
                                  : "expected" + names);
  }
  const auto table = table_of(request);
  // Plug-ins stay open once they are, so that their sets outlive what made them.
  Registries registries;
  PluginLoader loader(registries, PluginLoader::search_path());
  Problems problems;
  loader.provide(Dataset::kind, table, "dataset", problems);
  problems.raise();
  const auto made = registries.of<Dataset>().create(table, "dataset");
  auto set = std::dynamic_pointer_cast<datasets::FileDataset>(made);
  const auto type = *table.find("type")->as_string();
  if (!set) refuse(request, "'" + type + "' is no set that is listed file by file");
  const auto own = static_cast<std::ptrdiff_t>(request.recipe.empty() ? 2 : 0);
  return {type, std::move(set), to_toml(table), {request.words.begin() + own, request.words.end()}};
}

}  // namespace covector::data_command
