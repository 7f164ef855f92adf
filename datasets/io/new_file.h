#pragma once

#include <cstddef>
#include <filesystem>

namespace covector::datasets {

/// Writes a file whole or not at all: under another name first, brought to the disk, then renamed.
/// Throws Error naming the file and the reason.
void write_new_file(const std::filesystem::path& path, const char* bytes, std::size_t length);

}  // namespace covector::datasets
