#include "pack.h"

#include "datasets/files.h"

#include <zlib.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

namespace covector::fuzz {
namespace {

std::string deflated(const std::string& bytes, int window_bits) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("zlib cannot be started");
  std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  auto source = bytes;
  stream.next_in = reinterpret_cast<Bytef*>(source.data());
  stream.avail_in = static_cast<uInt>(source.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string big_endian(std::size_t value) {
  std::string out(4, '\0');
  for (int i = 0; i < 4; ++i) out[i] = static_cast<char>(value >> (24 - 8 * i));
  return out;
}

std::size_t big_endian_at(const std::string& bytes, std::size_t at) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

std::string checksum(const std::string& bytes) {
  return big_endian(
      crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

std::string chunk(const std::string& type, const std::string& data) {
  return big_endian(data.size()) + type + data + checksum(type + data);
}

// First column and row, and steps, of Adam7's passes: PNG specification, section 8.2.
constexpr std::array<std::array<unsigned, 4>, 7> kPasses{{{0, 0, 8, 8},
                                                          {4, 0, 8, 8},
                                                          {0, 4, 4, 8},
                                                          {2, 0, 4, 4},
                                                          {0, 2, 2, 4},
                                                          {1, 0, 2, 2},
                                                          {0, 1, 1, 2}}};

constexpr std::array<unsigned, 7> kChannels{1, 0, 3, 1, 2, 0, 4};  // by colour type

std::string png_of(const PngKind& kind, const std::string& rows) {
  const std::string palette(kind.colour == 3 ? 3 * (1U << kind.depth) : 0, '\x40');
  return "\x89PNG\r\n\x1A\n" +
         chunk("IHDR", big_endian(kind.width) + big_endian(kind.height) +
                           static_cast<char>(kind.depth) + static_cast<char>(kind.colour) +
                           std::string(2, '\0') + (kind.interlaced ? '\1' : '\0')) +
         (palette.empty() ? "" : chunk("PLTE", palette)) + chunk("IDAT", zlib_packed(rows)) +
         chunk("IEND", "");
}

// The first of a, b, c that is nearest to the estimate.
int nearest(int estimate, int a, int b, int c) {
  int best = a;
  for (const int other : {b, c})
    if (std::abs(estimate - other) < std::abs(estimate - best)) best = other;
  return best;
}

std::string rows_of(unsigned width, unsigned height, unsigned bits_a_pixel) {
  std::string out;
  if (width == 0) return out;
  for (unsigned row = 0; row < height; ++row) {
    out += static_cast<char>(row % 5);  // the filter
    for (unsigned i = 0; i < (width * bits_a_pixel + 7) / 8; ++i)
      out += static_cast<char>(i * 7 + row);
  }
  return out;
}

}  // namespace

std::string zlib_packed(const std::string& bytes) {
  return deflated(bytes, 15);
}

std::string gzip_packed(const std::string& bytes) {
  return deflated(bytes, 15 + 16);
}

std::string png_packed(const PngKind& kind) {
  const auto bits =
      kChannels[static_cast<std::size_t>(kind.colour)] * static_cast<unsigned>(kind.depth);
  std::string rows;
  if (!kind.interlaced) rows = rows_of(kind.width, kind.height, bits);
  for (const auto& [x, y, step_x, step_y] : kPasses)
    if (kind.interlaced)
      rows += rows_of((kind.width - x + step_x - 1) / step_x,
                      (kind.height - y + step_y - 1) / step_y, bits);
  return png_of(kind, rows);
}

std::string png_image(unsigned width, unsigned height, int depth, int colour, int filter) {
  const auto step = kChannels[static_cast<std::size_t>(colour)] * static_cast<unsigned>(depth) / 8;
  const auto value = [&](int x, int y) { return x < 0 || y < 0 ? 0 : 20 * y + 3 * x; };
  std::string rows;
  for (int y = 0; y < static_cast<int>(height); ++y) {
    rows += static_cast<char>(filter);
    for (int x = 0; x < static_cast<int>(width); ++x) {
      const int left = value(x - 1, y), above = value(x, y - 1), corner = value(x - 1, y - 1);
      const int predicted[] = {0, left, above, (left + above) / 2,
                               nearest(left + above - corner, left, above, corner)};
      rows += std::string(step, static_cast<char>(value(x, y) - predicted[filter]));
    }
  }
  return png_of({width, height, depth, colour, false}, rows);
}

std::string jpeg2000_picture() {
  return testing::bytes_of_hex(
      "ff4fff510029000000000008000000080000000000000000000000080000000800000000000000000001070101"
      "ff52000c00000001000304040001ff5c000d4040484850484850484850ff640025000143726561746564206279"
      "204f70656e4a5045472076657273696f6e20322e352e34ff90000a0000000000380001ff93cfb408088fc1f382"
      "83e704001f001fc0f901c0f902000cf6f70b37ff7fc07c21c07c21802218af037e8fffd9");
}

std::string with_png_checksums(std::string png) {
  for (std::size_t at = 8; at + 12 <= png.size();) {
    const auto length = big_endian_at(png, at);
    if (length > png.size() - at - 12) break;
    png.replace(at + 8 + length, 4, checksum(png.substr(at + 4, 4 + length)));
    at += length + 12;
  }
  return png;
}

}  // namespace covector::fuzz
