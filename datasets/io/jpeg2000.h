#pragma once

#include "unpack.h"

namespace covector::datasets::io {

/// What a JPEG 2000 image must be to fit the header that it comes with.
struct PictureSize {
  std::int64_t rows = 0, columns = 0, channels = 1;
};

/// Adds the values of a JPEG 2000 codestream, alone or in a JP2 file, row by row with the channels
/// of a pixel side by side; signed where its components are. Takes memory only for a picture of
/// that size. Throws std::runtime_error.
void decode_jpeg2000(ByteSpan packed, const PictureSize& size, std::vector<std::int64_t>& values);

/// Whether a picture starts with these bytes.
bool starts_jpeg2000(ByteSpan bytes);

}  // namespace covector::datasets::io
