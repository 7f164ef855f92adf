#include "manifest.h"

#include "covector/core/plugin.h"

#include <nlohmann/json.hpp>

#include <algorithm>
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

std::string identity(const std::string& name, const std::string& version, std::uint32_t api,
                     const std::string& build) {
  return "'" + name + "' " + version + " for plug-in API " + std::to_string(api) + " and [" +
         build + "]";
}

/// The first of `wanted` whose kind and name are not `present`.
const Provided* first_missing(const std::vector<Provided>& wanted,
                              const std::vector<Provided>& present) {
  for (const auto& item : wanted)
    if (std::none_of(present.begin(), present.end(), [&](const Provided& other) {
          return other.kind == item.kind && other.name == item.name;
        }))
      return &item;
  return nullptr;
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

void refuse_unless_true(const FoundPlugin& manifest, const LoadedPlugin& plugin) {
  const auto file = manifest_of(manifest.file);
  const auto wrong = "manifest '" + file.string() + "' ";
  const auto of = "plug-in '" + manifest.file.string() + "' ";
  const auto told = identity(manifest.name, manifest.version, manifest.api, manifest.build);
  // What the loader let in has this API and this build.
  const auto true_one = identity(plugin.name, plugin.version, kPluginApiVersion, COVECTOR_BUILD_ID);
  if (told != true_one)
    throw PluginError(wrong + "tells of " + told + ", but " + of + "is " + true_one +
                      remake(manifest.file));
  if (const auto* item = first_missing(manifest.provides, plugin.provides))
    throw PluginError(wrong + "promises " + item->kind + " '" + item->name + "', which " + of +
                      "does not provide" + remake(manifest.file));
  if (const auto* item = first_missing(plugin.provides, manifest.provides))
    throw PluginError(wrong + "does not tell of " + item->kind + " '" + item->name + "', which " +
                      of + "provides" + remake(manifest.file));
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
