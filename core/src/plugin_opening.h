#pragma once

#include "covector/core/plugin.h"

#include <filesystem>

namespace covector {

/// Throws PluginError, with both sides and the remedy, unless a plug-in that was built for this API
/// and with this build id fits the program.
/// @param plugin  the file
COVECTOR_API void refuse_other_build(const std::filesystem::path& plugin, std::uint32_t api_version,
                                     const std::string& build_id);

/// Opens a plug-in for good, since code of it may be referred to until the process ends, and reads
/// its handshake. Nothing of a file is run that was built for something else. Throws PluginError.
///
/// An exception of a static object's constructor ends the process, with an error that names the
/// plug-in and the exit code of PluginError: it cannot leave dlopen().
const CovectorPluginInfo& open_plugin(const std::filesystem::path& file);

}  // namespace covector
