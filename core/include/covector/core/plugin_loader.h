#pragma once

#include "covector/core/export.h"
#include "covector/core/option_table.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace covector {

struct Registries;
class Problems;

/// One thing a plug-in offers, as its manifest tells it.
struct Provided {
  std::string kind;
  std::string name;
  std::string summary;
  std::string family;
  std::string source;
  std::string reconstruction = {};
};

/// A plug-in file found on the search path, known from the manifest beside it and not opened.
struct FoundPlugin {
  std::string name;
  std::string version;
  std::uint32_t api = 0;
  std::string build;
  std::filesystem::path file;
  std::vector<Provided> provides;
};

struct LoadedPlugin {
  std::string name;
  std::string version;
  std::filesystem::path file;
  std::vector<Provided> provides;
};

/// Finds plug-ins and opens those that are asked for. A library stays mapped until the process
/// ends.
///
/// A plug-in is a file NAME.covector.so. Only one with a manifest NAME.covector.json beside it is
/// found by what it provides; any can be opened by its file.
class COVECTOR_API PluginLoader {
 public:
  /// @param folders  the search path; see search_path()
  PluginLoader(Registries& registries, std::vector<std::filesystem::path> folders);

  /// COVECTOR_PLUGIN_PATH (colon-separated), then the folder of the installed plug-ins,
  /// ../lib/covector/plugins from the program, if there is one. Throws PluginError for an entry
  /// that is empty, relative or no folder: the working directory is never searched.
  static std::vector<std::filesystem::path> search_path();

  /// What the manifests on the search path say. Throws PluginError
  /// - for a folder, plug-in or manifest that others than its owner may write, that belongs to
  ///   neither this user nor root, or that is a link out of the search path;
  /// - for a manifest that is unreadable, older than its plug-in, or without one;
  /// - when two files provide one name.
  const std::vector<FoundPlugin>& found();
  /// Plug-in files on the search path that have no manifest.
  const std::vector<std::filesystem::path>& without_manifest();

  /// Reads what a file was built for, then opens it and adds every entry or none; one already open
  /// does nothing. Throws PluginError. The reference is good until the next load.
  const LoadedPlugin& load(const std::filesystem::path& file);
  /// Opens the plug-in that provides this name of this kind, if one on the path does and it is not
  /// open. Throws PluginError when it then does not provide it.
  void provide(std::string_view kind, std::string_view name);
  /// Opens what `part` asks for by its string `type`. When there is none of that kind and name,
  /// adds the problem, with the nearest name of all that are known, open or not.
  /// @returns  whether the registry now has it
  bool provide(std::string_view kind, const OptionTable& part, const std::string& section,
               Problems& problems);
  /// Names of a kind, open or not, for "did you mean".
  std::vector<std::string> known(std::string_view kind);
  const std::vector<LoadedPlugin>& loaded() const { return loaded_; }

 private:
  void search();
  void search_folder(const std::filesystem::path& folder);
  void add_found(FoundPlugin plugin);

  Registries& registries_;
  std::vector<std::filesystem::path> folders_;
  bool searched_ = false;
  std::vector<FoundPlugin> found_;
  std::vector<std::filesystem::path> without_manifest_;
  std::vector<LoadedPlugin> loaded_;
};

/// What an open plug-in registered, in the order of kinds and names.
COVECTOR_API std::vector<Provided> provided_by(const Registries& registries,
                                               const std::filesystem::path& file);

}  // namespace covector
