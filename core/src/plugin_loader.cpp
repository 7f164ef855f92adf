#include "covector/core/plugin_loader.h"

#include "covector/core/plugin.h"
#include "manifest.h"
#include "part_name.h"
#include "plugin_opening.h"
#include "plugin_path.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace covector {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kSuffix = ".covector.so";
constexpr std::string_view kManifestSuffix = ".covector.json";

template <class AnyRegistries, class Visit>
void for_each_registry(AnyRegistries& registries, Visit&& visit) {
  std::apply([&](auto&... registry) { (visit(registry), ...); }, registries.all);
}

template <class Interface, class Args>
constexpr std::string_view kind_of(const Registry<Interface, Args>&) {
  return Interface::kind;
}

bool contains(const Registries& registries, std::string_view kind, std::string_view name) {
  bool present = false;
  for_each_registry(registries, [&](const auto& registry) {
    if (kind_of(registry) == kind) present = registry.contains(name);
  });
  return present;
}

void check_name(std::string_view name, const std::string& what) {
  if (!is_part_name(name))
    throw PluginError(what + " has the name '" + std::string(name) + "'; " + kPartNameRule);
}

std::string file_name_of(const std::string& plugin) {
  return plugin + std::string(kSuffix);
}

void check_plugin_name(const std::string& name, const fs::path& file) {
  check_name(name, "plug-in '" + file.string() + "'");
  if (file_name_of(name) != file.filename())
    throw PluginError("plug-in '" + file.string() + "' is named '" + name +
                      "' by its COVECTOR_PLUGIN; call the file " + file_name_of(name) +
                      ", or the plug-in as the file");
}

/// What the plug-in registers, on its own.
Registries staged_by(const CovectorPluginInfo& info, const fs::path& file) {
  Registries staged;
  Registrar registrar(staged, {info.name, info.version, file.string()});
  const auto failed =
      "plug-in '" + std::string(info.name) + "' (" + file.string() + ") failed to register: ";
  try {
    info.register_all(registrar);
  } catch (const std::exception& error) {
    throw PluginError(failed + error.what());
  } catch (...) {
    throw PluginError(failed + "it threw something that is not a std::exception");
  }
  for_each_registry(std::as_const(staged), [&](const auto& registry) {
    for (const auto& [name, entry] : registry)
      check_name(name, std::string(kind_of(registry)) + " of plug-in '" + info.name + "' (" +
                           file.string() + ")");
  });
  return staged;
}

/// Adds all or, when a name is taken, throws and adds nothing.
void merge(Registries& into, const Registries& staged) {
  auto merged = into;
  for_each_registry(merged, [&](auto& registry) {
    for (const auto& [name, entry] : std::get<std::decay_t<decltype(registry)>>(staged.all))
      registry.add(entry);
  });
  into = std::move(merged);
}

bool ends_with(const fs::path& file, std::string_view suffix) {
  const auto name = file.filename().string();
  return name.size() > suffix.size() && std::string_view(name).ends_with(suffix);
}

}  // namespace

PluginLoader::PluginLoader(Registries& registries, std::vector<fs::path> folders)
    : registries_(registries), folders_(std::move(folders)) {
  for (auto& folder : folders_) folder = fs::weakly_canonical(folder);
}

std::vector<fs::path> PluginLoader::search_path() {
  return plugin_search_path();
}

const std::vector<FoundPlugin>& PluginLoader::found() {
  search();
  return found_;
}

const std::vector<fs::path>& PluginLoader::without_manifest() {
  search();
  return without_manifest_;
}

void PluginLoader::search() {
  if (searched_) return;
  found_.clear();
  without_manifest_.clear();
  for (const auto& folder : folders_) search_folder(folder);
  searched_ = true;
}

void PluginLoader::search_folder(const fs::path& folder) {
  refuse_unless_private(folder, "plug-in folder");
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    if (ends_with(file, kManifestSuffix)) {
      if (!fs::exists(fs::path(file).replace_extension(".so")))
        throw PluginError("manifest '" + file.string() +
                          "' stands alone: its plug-in is gone; remove it or rebuild the plug-in");
      continue;
    }
    if (!ends_with(file, kSuffix)) continue;
    refuse_link_outside(file, folders_);
    refuse_unless_private(file, "plug-in");
    const auto manifest = manifest_of(file);
    if (!fs::exists(manifest)) {
      without_manifest_.push_back(file);
      continue;
    }
    refuse_link_outside(manifest, folders_);
    refuse_unless_private(manifest, "manifest");
    add_found(read_manifest(file));
  }
}

void PluginLoader::add_found(FoundPlugin plugin) {
  const std::string remedy = "); remove one of them from the plug-in folders";
  for (const auto& other : found_) {
    if (other.name == plugin.name)
      throw PluginError("plug-in '" + plugin.name + "' is there twice, as version " +
                        other.version + " (" + other.file.string() + ") and as version " +
                        plugin.version + " (" + plugin.file.string() + remedy);
    for (const auto& a : other.provides)
      for (const auto& b : plugin.provides)
        if (a.kind == b.kind && a.name == b.name)
          throw PluginError(a.kind + " '" + a.name + "' is provided twice, by plug-in '" +
                            other.name + "' (" + other.file.string() + ") and by plug-in '" +
                            plugin.name + "' (" + plugin.file.string() + remedy);
  }
  found_.push_back(std::move(plugin));
}

const LoadedPlugin& PluginLoader::load(const fs::path& file) {
  std::error_code failed;
  const auto real = fs::canonical(file, failed);
  if (failed)
    throw PluginError("there is no plug-in file '" + file.string() + "': " + failed.message());
  for (const auto& plugin : loaded_)
    if (plugin.file == real) return plugin;
  for (const auto& plugin : loaded_)
    if (file_name_of(plugin.name) == file.filename())
      throw PluginError("plug-in '" + plugin.name + "' " + plugin.version +
                        " is open already from " + plugin.file.string() +
                        "; it cannot be opened again from " + real.string());
  const auto& info = open_plugin(real);
  check_plugin_name(info.name, file);
  const auto staged = staged_by(info, real);
  LoadedPlugin plugin{info.name, info.version, real, provided_by(staged, real)};
  for (const auto& found : found_)
    if (found.file == file) refuse_unless_true(found, plugin);
  merge(registries_, staged);
  return loaded_.emplace_back(std::move(plugin));
}

void PluginLoader::provide(std::string_view kind, std::string_view name) {
  if (contains(registries_, kind, name)) return;
  for (const auto& plugin : found())
    for (const auto& item : plugin.provides)
      // Once more, for one that was open before its manifest was read.
      if (item.kind == kind && item.name == name)
        return refuse_unless_true(plugin, load(plugin.file));
}

bool PluginLoader::provide(std::string_view kind, const OptionTable& part,
                           const std::string& section, Problems& problems) {
  const auto* type = part.find("type");
  const auto* name = type ? type->as_string() : nullptr;
  if (!name) {
    problems.add(section, type ? type->where : part.where, "needs a string 'type'");
    return false;
  }
  provide(kind, *name);
  if (contains(registries_, kind, *name)) return true;
  problems.add(
      section, type->where,
      "unknown " + std::string(kind) + " '" + *name + "'" + did_you_mean(*name, known(kind)));
  return false;
}

std::vector<std::string> PluginLoader::known(std::string_view kind) {
  std::vector<std::string> names;
  for_each_registry(std::as_const(registries_), [&](const auto& registry) {
    if (kind_of(registry) == kind) names = registry.names();
  });
  for (const auto& plugin : found())
    for (const auto& item : plugin.provides)
      if (item.kind == kind) names.push_back(item.name);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::vector<Provided> provided_by(const Registries& registries, const fs::path& file) {
  std::vector<Provided> provided;
  for_each_registry(registries, [&](const auto& registry) {
    for (const auto& [name, entry] : registry)
      if (entry.from.file == file.string())
        provided.push_back({std::string(kind_of(registry)), name, entry.doc.summary,
                            entry.doc.family, entry.doc.source, entry.doc.reconstruction});
  });
  return provided;
}

}  // namespace covector
