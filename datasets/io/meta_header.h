#pragma once

#include <filesystem>

namespace covector::datasets::io {

/// Reads the text of a MetaImage's header and throws std::runtime_error when ITK must not see it:
/// its reader takes memory for what a header names, divides by it, and goes on for minutes with
/// numbers that no file can hold. Looks for the data in this file or another and whether all of it
/// is there. One file a slice ("LIST", or a pattern) is refused.
void check_whole_meta(const std::filesystem::path& path);

}  // namespace covector::datasets::io
