#pragma once

#include <filesystem>
#include <vector>

namespace covector {

/// See PluginLoader::search_path().
std::vector<std::filesystem::path> plugin_search_path();

/// Throws PluginError unless only its owner may write to `path`, and that is this user or root.
/// Write permission of the owner's private group counts as the owner's own, for some systems give
/// it to every file.
/// @param what  "plug-in folder", "plug-in" or "manifest"
void refuse_unless_private(const std::filesystem::path& path, const char* what);

/// Throws PluginError when `path` is a link to something outside `folders`, which are canonical.
void refuse_link_outside(const std::filesystem::path& path,
                         const std::vector<std::filesystem::path>& folders);

}  // namespace covector
