#pragma once

#include "covector/core/plugin_loader.h"

#include <filesystem>

namespace covector {

/// NAME.covector.json for NAME.covector.so.
COVECTOR_API std::filesystem::path manifest_of(const std::filesystem::path& plugin);

/// Reads the manifest beside a plug-in file. Throws PluginError, saying how to remake it, when it
/// is not what write_manifest() writes or is out of date: older than the plug-in and for a file of
/// another size. (Time alone would refuse trees that were copied file by file.)
COVECTOR_API FoundPlugin read_manifest(const std::filesystem::path& plugin);

/// Throws PluginError, saying how to remake it, when a manifest says otherwise than the opened
/// plug-in of its version, of what it was built for, or of what it provides.
void refuse_unless_true(const FoundPlugin& manifest, const LoadedPlugin& plugin);

/// Opens the plug-in and writes what it provides. Throws PluginError, and Error when the manifest
/// cannot be written.
COVECTOR_API void write_manifest(const std::filesystem::path& plugin,
                                 const std::filesystem::path& manifest);

}  // namespace covector
