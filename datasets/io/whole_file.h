#pragma once

#include <filesystem>

namespace covector::datasets::io {

// ITK's readers of these formats fill what is missing with zeros or gray and report success, write
// to the console, or (a PNG that ends before its pixels) end the process. These find a file that is
// cut short, or whose header is nonsense, beforehand. They throw std::runtime_error with the cause.

void check_whole_nifti(const std::filesystem::path& path);
void check_whole_meta(const std::filesystem::path& path, std::size_t pixel_bytes);
/// Every chunk whole and with the checksum it names, up to the last.
void check_whole_png(const std::filesystem::path& path);
void check_whole_jpeg(const std::filesystem::path& path);

}  // namespace covector::datasets::io
