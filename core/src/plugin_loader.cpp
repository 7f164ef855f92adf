#include "covector/core/plugin_loader.h"

#include "covector/core/plugin.h"
#include "manifest.h"
#include "plugin_path.h"

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace covector {
namespace fs = std::filesystem;
namespace {

constexpr auto kSymbol = "covector_plugin_info";
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

bool is_valid_name(std::string_view name) {
  const auto lower = [](char c) { return 'a' <= c && c <= 'z'; };
  return !name.empty() && lower(name.front()) && std::all_of(name.begin(), name.end(), [&](char c) {
    return lower(c) || ('0' <= c && c <= '9') || c == '_';
  });
}

void check_name(std::string_view name, const std::string& what) {
  if (!is_valid_name(name))
    throw PluginError(what + " has the name '" + std::string(name) +
                      "'; a name is a small letter, then small letters, digits and '_'");
}

/// Opens the library for good: code of it may be referred to until the process ends.
boost::dll::shared_library& open(const fs::path& file) {
  static auto* const kept = new std::vector<std::unique_ptr<boost::dll::shared_library>>();
  auto library = std::make_unique<boost::dll::shared_library>();
  try {
    using namespace boost::dll;
    library->load(file, load_mode::rtld_now | load_mode::rtld_local);
  } catch (const std::exception& error) {
    throw PluginError("cannot open plug-in '" + file.string() + "': " + error.what());
  }
  return *kept->emplace_back(std::move(library));
}

/// The plug-in's handshake, checked before anything else of it is touched.
const CovectorPluginInfo& handshake(const fs::path& file) {
  auto& library = open(file);
  const auto plugin = "plug-in '" + file.string() + "' ";
  if (!library.has(kSymbol))
    throw PluginError("'" + file.string() + "' is not a Covector plug-in: it does not export " +
                      kSymbol + "(), which COVECTOR_PLUGIN defines");
  const auto* info = library.get<const CovectorPluginInfo*()>(kSymbol)();
  if (!info) throw PluginError(plugin + "answers the handshake with nothing; rebuild it");
  if (info->api_version != kPluginApiVersion)
    throw PluginError(plugin + "was built for plug-in API " + std::to_string(info->api_version) +
                      ", this program has " + std::to_string(kPluginApiVersion) +
                      (info->api_version < kPluginApiVersion
                           ? "; rebuild it with this program's headers"
                           : "; update this program, or rebuild the plug-in with its headers"));
  if (info->struct_size != sizeof *info)
    throw PluginError(plugin + "has a handshake of " + std::to_string(info->struct_size) +
                      " bytes, this program one of " + std::to_string(sizeof *info) +
                      "; rebuild it with this program's headers");
  if (!info->build_id || std::string_view(info->build_id) != COVECTOR_BUILD_ID)
    throw PluginError(plugin + "was built with [" + (info->build_id ? info->build_id : "unknown") +
                      "], this program with [" COVECTOR_BUILD_ID
                      "]; rebuild it with the same compiler and LibTorch");
  if (!info->name || !info->version || !info->register_all)
    throw PluginError(plugin + "leaves its name, version or registration empty; rebuild it");
  check_name(info->name, "plug-in '" + file.string() + "'");
  return *info;
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
  for (const auto& other : found_) {
    const auto both = " is provided twice, by plug-in '" + other.name + "' (" +
                      other.file.string() + ") and by plug-in '" + plugin.name + "' (" +
                      plugin.file.string() + "); remove one of them from the plug-in folders";
    for (const auto& a : other.provides)
      for (const auto& b : plugin.provides)
        if (a.kind == b.kind && a.name == b.name)
          throw PluginError(a.kind + " '" + a.name + "'" + both);
    if (other.name == plugin.name)
      throw PluginError("the plug-in name '" + plugin.name + "'" + both);
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
  const auto& info = handshake(real);
  for (const auto& plugin : loaded_)
    if (plugin.name == info.name)
      throw PluginError("plug-in '" + plugin.name + "' is open already from " +
                        plugin.file.string() + "; it cannot be opened again from " + real.string());
  merge(registries_, staged_by(info, real));
  return loaded_.emplace_back(
      LoadedPlugin{info.name, info.version, real, provided_by(registries_, real)});
}

void PluginLoader::provide(std::string_view kind, std::string_view name) {
  if (contains(registries_, kind, name)) return;
  for (const auto& plugin : found())
    for (const auto& item : plugin.provides) {
      if (item.kind != kind || item.name != name) continue;
      load(plugin.file);
      if (contains(registries_, kind, name)) return;
      throw PluginError("manifest '" + manifest_of(plugin.file).string() + "' promises " +
                        item.kind + " '" + item.name + "', which plug-in '" + plugin.file.string() +
                        "' does not provide; remake it with: covector-manifest " +
                        plugin.file.string() + " " + manifest_of(plugin.file).string());
    }
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
