#pragma once

#include "covector/datasets/image.h"

#include <filesystem>

namespace covector::scr {

bool is_jsrt(const std::filesystem::path& file);

/// A radiograph of JSRT: 2048 x 2048 words without a header, big-endian, of which 12 bits are used,
/// stored so that large is dark. Returned so that bright means bright: 4095 - stored, with the
/// spacing of 0.175 mm that the set's description names.
/// @returns pixels [1, 2048, 2048] uint16
/// @throws DataError for a file of another length, or with values above 4095
datasets::Image read_jsrt(const std::filesystem::path& file);

}  // namespace covector::scr
