#pragma once

#include <filesystem>

namespace covector::datasets::io {

// ITK's readers of these formats fill what is missing with zeros or gray, report success and write
// to the console. These find a file that is cut short, or whose header is nonsense, beforehand.
// They throw std::runtime_error with the cause.

void check_whole_nifti(const std::filesystem::path& path);
void check_whole_meta(const std::filesystem::path& path, std::size_t pixel_bytes);
void check_whole_jpeg(const std::filesystem::path& path);

}  // namespace covector::datasets::io
