#include "manifest.h"

#include "covector/core/plugin.h"

#include <nlohmann/json.hpp>

#include <fstream>

namespace covector {
namespace fs = std::filesystem;
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const Provided& item) {
  return {{"kind", item.kind},       {"name", item.name},
          {"summary", item.summary}, {"family", item.family},
          {"source", item.source},   {"reconstruction", item.reconstruction}};
}

Provided provided_from(const ordered_json& json) {
  return {json.at("kind"),   json.at("name"),   json.at("summary"),
          json.at("family"), json.at("source"), json.at("reconstruction")};
}

std::string remake(const fs::path& plugin) {
  return "; remake it with: covector-manifest " + plugin.string() + " " +
         manifest_of(plugin).string();
}

}  // namespace

fs::path manifest_of(const fs::path& plugin) {
  return fs::path(plugin).replace_extension(".json");
}

FoundPlugin read_manifest(const fs::path& plugin) {
  const auto file = manifest_of(plugin);
  ordered_json json;
  FoundPlugin found;
  found.file = plugin;
  std::uintmax_t bytes = 0;
  try {
    std::ifstream(file) >> json;
    found.name = json.at("plugin");
    found.version = json.at("version");
    found.api = json.at("api");
    found.build = json.at("build");
    bytes = json.at("bytes");
    for (const auto& item : json.at("provides")) found.provides.push_back(provided_from(item));
  } catch (const ordered_json::exception& error) {
    throw PluginError("manifest '" + file.string() + "' is not valid: " + error.what() +
                      remake(plugin));
  }
  if (fs::last_write_time(plugin) > fs::last_write_time(file) && fs::file_size(plugin) != bytes)
    throw PluginError("manifest '" + file.string() + "' is older than its plug-in" +
                      remake(plugin));
  return found;
}

void write_manifest(const fs::path& plugin, const fs::path& manifest) {
  Registries registries;
  PluginLoader loader(registries, {});
  const auto loaded = loader.load(plugin);
  // What the loader let in has this API and this build.
  ordered_json json{{"plugin", loaded.name},          {"version", loaded.version},
                    {"api", kPluginApiVersion},       {"build", COVECTOR_BUILD_ID},
                    {"bytes", fs::file_size(plugin)}, {"provides", ordered_json::array()}};
  for (const auto& item : provided_by(registries, loaded.file))
    json["provides"].push_back(to_json(item));
  std::ofstream out(manifest);
  out << json.dump(2) << '\n';
  out.close();
  if (!out) throw Error("cannot write the manifest '" + manifest.string() + "'");
}

}  // namespace covector
