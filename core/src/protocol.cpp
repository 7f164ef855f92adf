#include "protocol.h"

#include "recipe.h"
#include "run_folder.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <fstream>

namespace covector {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// Of a pretraining, what methods have in common; the rest is what makes them methods.
constexpr std::array kShared = {"loop.steps", "loop.batch", "method.crop"};

Json json_in(const fs::path& file) {
  std::ifstream in(file);
  return Json::parse(in, nullptr, /*allow_exceptions=*/false);
}

/// Whether an option of a recipe makes a difference to what is measured, or names another of the
/// things that a benchmark varies.
bool counts(const std::string& key) {
  constexpr std::array kLeftOut = {"kind",
                                   "name",
                                   "seed",
                                   "dataset.root",
                                   "pretrained.run",
                                   "loop.layout",
                                   "loop.precision",
                                   "loop.threads",
                                   "loop.cache_gib",
                                   "loop.prefetch",
                                   "loop.log_every",
                                   "loop.monitor_every",
                                   "loop.checkpoint_every",
                                   "loop.keep_checkpoints",
                                   "loop.pictures_every"};
  return std::find(kLeftOut.begin(), kLeftOut.end(), key) == kLeftOut.end();
}

bool is_shared(const std::string& key) {
  return key.starts_with("dataset.") || key.starts_with("labelled.") ||
         std::find(kShared.begin(), kShared.end(), key) != kShared.end();
}

/// As TOML; sides that are all the same as one, for a crop may be given either way.
std::string text_of(const OptionValue& value) {
  const auto* array = value.as_array();
  if (!array || array->empty()) return to_toml(value);
  const auto first = to_toml(array->front());
  const bool same = std::all_of(array->begin(), array->end(),
                                [&](const OptionValue& side) { return to_toml(side) == first; });
  return same ? first : to_toml(value);
}

void add_recipe(Protocol& protocol, const fs::path& run, const std::string& prefix) {
  if (!fs::exists(run / "recipe.toml")) return;
  const auto table = load_recipe(run / "recipe.toml").table;
  for (const auto& [key, value] : flatten(table))
    if (counts(key) && (prefix.empty() || is_shared(key))) protocol[prefix + key] = text_of(*value);
}

void add_environment(Protocol& protocol, const fs::path& run, const std::string& prefix) {
  const auto environment = json_in(run / "environment.json");
  for (const auto* key : {"dataset_fingerprint", "precision", "program", "build"})
    if (environment.contains(key)) protocol[prefix + key] = environment.value(key, "");
  const auto plugins = json_in(run / "plugins.json");
  if (!plugins.is_array()) return;
  for (const auto& plugin : plugins)
    protocol[prefix + "plug-in " + plugin.value("name", "")] =
        plugin.value("version", "") + " of " +
        std::to_string(plugin.value("bytes", std::int64_t{0})) + " bytes";
}

}  // namespace

Protocol read_protocol(const fs::path& run, const fs::path& pretraining) {
  Protocol protocol;
  add_recipe(protocol, run, "");
  add_environment(protocol, run, "");
  // What trains nothing has no protocol: its weights are those that the seed gives.
  if (read_status(pretraining).steps == 0) return protocol;
  add_recipe(protocol, pretraining, "pretraining ");
  add_environment(protocol, pretraining, "pretraining ");
  return protocol;
}

std::vector<std::vector<std::string>> differences(const std::vector<Protocol>& protocols) {
  std::map<std::string, std::vector<std::pair<std::string, int>>> counts_of;
  for (const auto& protocol : protocols)
    for (const auto& [name, value] : protocol) {
      auto& values = counts_of[name];
      const auto known =
          std::find_if(values.begin(), values.end(),
                       [&, &value = value](const auto& v) { return v.first == value; });
      if (known == values.end())
        values.emplace_back(value, 1);
      else
        ++known->second;
    }
  std::vector<std::vector<std::string>> all(protocols.size());
  for (const auto& [name, values] : counts_of) {
    const auto most =
        std::max_element(values.begin(), values.end(), [](const auto& a, const auto& b) {
          return a.second < b.second;  // the first of equals is kept
        });
    for (std::size_t i = 0; i < protocols.size(); ++i)
      if (const auto own = protocols[i].find(name);
          own != protocols[i].end() && own->second != most->first)
        all[i].push_back(name + ": " + own->second + ", others " + most->first);
  }
  return all;
}

}  // namespace covector
