#pragma once

#include <cstddef>
#include <string>

namespace covector::fuzz {

/// The most that deflate can shrink by: 258 bytes for two bits. zlib's technical details say 1032.
constexpr std::size_t kDeflateRatio = 1032;

std::string zlib_packed(const std::string& bytes);
std::string gzip_packed(const std::string& bytes);

struct PngKind {
  unsigned width, height;
  int depth, colour;  // as IHDR has them
  bool interlaced;
};
/// A PNG with pixels of a ramp, its filters taking turns, and a palette where the kind has one.
std::string png_packed(const PngKind& kind);
/// A PNG whose pixel (x, y) holds 20 y + 3 x in each channel (of 16 bits in both bytes), every row
/// put through one filter as PNG specification, section 9.2, describes it.
std::string png_image(unsigned width, unsigned height, int depth, int colour, int filter);
/// A JPEG 2000 codestream of 8 x 8 pixels of 8 bits, a ramp; made by OpenJPEG 2.5.
std::string jpeg2000_picture();
/// The chunks of a PNG with the checksums that they should have, as far as there are whole chunks.
std::string with_png_checksums(std::string png);

}  // namespace covector::fuzz
