#pragma once

#include "covector/core/export.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace covector {

struct Registries;

/// One thing a plug-in offers, as its manifest tells it.
struct Provided {
  std::string kind;
  std::string name;
  std::string summary;
  std::string family;
  std::string source;
};

/// A plug-in file found on the search path, known from the manifest beside it and not opened.
struct FoundPlugin {
  std::string name;
  std::string version;
  std::filesystem::path file;
  std::vector<Provided> provides;
};

struct LoadedPlugin {
  std::string name;
  std::string version;
  std::filesystem::path file;
};

/// Finds plug-ins and opens those that are asked for. A library stays mapped until the process
/// ends.
class COVECTOR_API PluginLoader {
 public:
  /// @param folders  the search path; see search_path()
  PluginLoader(Registries& registries, std::vector<std::filesystem::path> folders);

  /// COVECTOR_PLUGIN_PATH (colon-separated), then the folder of the installed plug-ins.
  /// Throws PluginError for a folder that others may write, saying which and why that is refused.
  static std::vector<std::filesystem::path> search_path();

  /// What the manifests on the search path say. Throws PluginError when two files provide one name.
  const std::vector<FoundPlugin>& found();
  /// Opens one file: checks the handshake, then adds every entry or none. A file already open does
  /// nothing. Throws PluginError.
  const LoadedPlugin& load(const std::filesystem::path& file);
  /// Opens the plug-in that provides this name of this kind, if one on the path does and it is not
  /// open.
  void provide(const std::string& kind, const std::string& name);
  /// Names of a kind, open or not, for "did you mean".
  std::vector<std::string> known(const std::string& kind);
  const std::vector<LoadedPlugin>& loaded() const { return loaded_; }

 private:
  Registries& registries_;
  std::vector<std::filesystem::path> folders_;
  bool searched_ = false;
  std::vector<FoundPlugin> found_;
  std::vector<LoadedPlugin> loaded_;
};

}  // namespace covector
