#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace covector {

/// What a plug-in was built for, as COVECTOR_PLUGIN_NOTE leaves it in the file.
struct PluginNote {
  std::uint32_t api_version = 0;
  std::string build_id;
};

/// Reads the note from a file, nothing of which is run or mapped. Throws PluginError when the file
/// cannot be read, is no shared library for this kind of machine, is cut short, or has no note.
PluginNote read_plugin_note(const std::filesystem::path& file);

}  // namespace covector
