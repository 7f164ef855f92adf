#pragma once

#include "raw_image.h"

namespace covector::datasets::io {

// PNG and JPEG without ITK, whose readers end the process where these formats' libraries report an
// error. Both throw std::runtime_error with the cause.

/// Gray of fewer than 8 bits is widened to 0 .. 255; transparency becomes a channel. With
/// Palette::indices an indexed picture keeps its numbers.
RawImage read_png(const std::filesystem::path& path, Pixels pixels, Palette palette);
/// Gray or RGB.
RawImage read_jpeg(const std::filesystem::path& path, Pixels pixels);

}  // namespace covector::datasets::io
