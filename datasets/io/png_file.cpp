#include "picture_files.h"
#include "unpack.h"

#include <png.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

// PNG specification (ISO/IEC 15948): a signature, then chunks of length, type, data, and CRC of
// type and data.

namespace covector::datasets::io {
namespace {

enum Colour { gray = 0, rgb = 2, indexed = 3, gray_alpha = 4, rgb_alpha = 6 };

struct Png {
  Bytes bytes;
  std::uint32_t width = 0, height = 0;
  int depth = 0, colour = 0;
  bool interlaced = false;
  bool transparency = false;     // a tRNS chunk
  std::vector<ByteSpan> pixels;  // of the IDAT chunks

  std::size_t channels() const {
    constexpr std::array<std::size_t, 7> kChannels{1, 0, 3, 1, 2, 0, 4};
    return kChannels[static_cast<std::size_t>(colour)];
  }
  /// Of the file, without its filter byte.
  std::uint64_t row_bytes() const {
    return (std::uint64_t{width} * channels() * static_cast<std::uint64_t>(depth) + 7) / 8;
  }
  std::uint64_t packed_bytes() const {
    std::uint64_t sum = 0;
    for (const auto& part : pixels) sum += part.size();
    return sum;
  }
};

std::uint32_t number(const std::byte* at) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | std::to_integer<std::uint32_t>(at[i]);
  return value;
}

void take_header(ByteSpan data, Png& png) {
  if (data.size() != 13) throw std::runtime_error("its header has a wrong length");
  png.width = number(data.data());
  png.height = number(data.data() + 4);
  png.depth = std::to_integer<int>(data[8]);
  png.colour = std::to_integer<int>(data[9]);
  png.interlaced = data[12] != std::byte{0};
  constexpr std::uint32_t kLongest = 1U << 31;
  if (png.width == 0 || png.height == 0 || png.width >= kLongest || png.height >= kLongest)
    throw std::runtime_error("it has no pixels");
  // Table 11.1: which depths go with which colours.
  const auto one_of = [&](std::initializer_list<int> depths) {
    return std::find(depths.begin(), depths.end(), png.depth) != depths.end();
  };
  const bool known = (png.colour == gray && one_of({1, 2, 4, 8, 16})) ||
                     (png.colour == indexed && one_of({1, 2, 4, 8})) ||
                     ((png.colour == rgb || png.colour == gray_alpha || png.colour == rgb_alpha) &&
                      one_of({8, 16}));
  if (!known)
    throw std::runtime_error("its colour type " + std::to_string(png.colour) + " with " +
                             std::to_string(png.depth) + " bits does not exist");
}

// Takes one chunk; false after the last.
bool take_chunk(std::string_view type, ByteSpan data, Png& png) {
  if (type == "IHDR") take_header(data, png);
  if (type == "tRNS") png.transparency = true;
  if (type == "IDAT") png.pixels.push_back(data);
  if (type != "IHDR" && png.depth == 0)
    throw std::runtime_error("it does not start with its header");
  return type != "IEND";
}

/// Every chunk whole and with the checksum that it names, up to the last.
Png opened(const std::filesystem::path& path) {
  Png png;
  png.bytes = file_bytes(path);
  const auto& bytes = png.bytes;
  if (bytes.size() < 8 || std::memcmp(bytes.data(), "\x89PNG\r\n\x1A\n", 8) != 0)
    throw std::runtime_error("it does not start with a PNG signature");
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    const std::size_t length = number(&bytes[at]);
    if (length > bytes.size() - at - 12) break;
    const std::string type(reinterpret_cast<const char*>(&bytes[at + 4]), 4);
    if (checksum({&bytes[at + 4], length + 4}) != number(&bytes[at + 8 + length]))
      throw std::runtime_error("its " + type + " chunk has a wrong checksum");
    if (!take_chunk(type, {&bytes[at + 8], length}, png)) return png;
    at += length + 12;
  }
  throw std::runtime_error("it is cut short");
}

// ---- the kinds that nearly all pictures are of, through libdeflate

int paeth(int left, int above, int corner) {
  const int estimate = left + above - corner;
  const int a = std::abs(estimate - left);
  const int b = std::abs(estimate - above);
  const int c = std::abs(estimate - corner);
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}

/// Section 9.2: undoes the filter of one row, in place.
/// @param above  the row before, zeros for the first
/// @param step   bytes a pixel
void unfilter(int filter, std::uint8_t* row, const std::uint8_t* above, std::size_t bytes,
              std::size_t step) {
  const auto put = [&](std::size_t i, int value) {
    row[i] = static_cast<std::uint8_t>(row[i] + value);
  };
  switch (filter) {
    case 0:
      return;
    case 1:
      for (std::size_t i = step; i < bytes; ++i) put(i, row[i - step]);
      return;
    case 2:
      for (std::size_t i = 0; i < bytes; ++i) put(i, above[i]);
      return;
    case 3:
      for (std::size_t i = 0; i < bytes; ++i)
        put(i, ((i < step ? 0 : row[i - step]) + above[i]) / 2);
      return;
    case 4:
      for (std::size_t i = 0; i < std::min(step, bytes); ++i) put(i, above[i]);
      for (std::size_t i = step; i < bytes; ++i)
        put(i, paeth(row[i - step], above[i], above[i - step]));
      return;
    default:
      throw std::runtime_error("a row has the unknown filter " + std::to_string(filter));
  }
}

void to_little_endian(Bytes& pixels) {
  for (std::size_t i = 0; i + 1 < pixels.size(); i += 2) std::swap(pixels[i], pixels[i + 1]);
}

Bytes unpacked(const Png& png) {
  Bytes joined;
  ByteSpan packed = png.pixels.front();
  if (png.pixels.size() > 1) {
    joined.reserve(png.packed_bytes());
    for (const auto& part : png.pixels) joined.insert(joined.end(), part.begin(), part.end());
    packed = joined;
  }
  Bytes rows(png.height * (png.row_bytes() + 1));
  unpack_zlib(packed, rows);
  return rows;
}

/// Rows of whole bytes, not interlaced.
Bytes plain_pixels(const Png& png) {
  auto rows = unpacked(png);
  const auto bytes = png.row_bytes();
  const auto step = png.channels() * static_cast<std::size_t>(png.depth) / 8;
  Bytes pixels(png.height * bytes);
  const std::vector<std::uint8_t> nothing(bytes);
  const auto* above = nothing.data();
  for (std::size_t y = 0; y < png.height; ++y) {
    const auto* source = rows.data() + y * (bytes + 1);
    auto* row = reinterpret_cast<std::uint8_t*>(pixels.data() + y * bytes);
    std::memcpy(row, source + 1, bytes);
    unfilter(std::to_integer<int>(*source), row, above, bytes, step);
    above = row;
  }
  if (png.depth == 16) to_little_endian(pixels);
  return pixels;
}

// ---- the others, through libpng

struct Reader {
  png_structp state = nullptr;
  png_infop info = nullptr;
  ByteSpan left;
  std::array<char, 200> error{};

  Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { png_destroy_read_struct(&state, &info, nullptr); }
};

void note_error(png_structp state, png_const_charp message) {
  auto& error = static_cast<Reader*>(png_get_error_ptr(state))->error;
  std::strncpy(error.data(), message, error.size() - 1);
  png_longjmp(state, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

void give_bytes(png_structp state, png_bytep out, std::size_t count) {
  auto& left = static_cast<Reader*>(png_get_io_ptr(state))->left;
  if (count > left.size()) png_error(state, "it is cut short");
  std::memcpy(out, left.data(), count);
  left = left.subspan(count);
}

// libpng reports an error by a jump to here: no object with a destructor lives in these two.

bool start(Reader& reader, Palette palette) {
  if (setjmp(png_jmpbuf(reader.state))) return false;
  png_set_read_fn(reader.state, &reader, give_bytes);
  png_set_crc_action(reader.state, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);  // checked already
  png_read_info(reader.state, reader.info);
  const bool is_indexed = png_get_color_type(reader.state, reader.info) == PNG_COLOR_TYPE_PALETTE;
  if (is_indexed && palette == Palette::indices)
    png_set_packing(reader.state);
  else
    png_set_expand(reader.state);
  png_set_swap(reader.state);  // 16 bits, to little-endian
  png_set_interlace_handling(reader.state);
  png_read_update_info(reader.state, reader.info);
  return true;
}

bool take_rows(Reader& reader, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reader.state))) return false;
  png_read_image(reader.state, rows);
  return true;
}

void make(Reader& reader, const Png& png) {
  reader.left = png.bytes;
  reader.state = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, note_error, ignore_warning);
  if (reader.state) reader.info = png_create_info_struct(reader.state);
  if (!reader.info) throw std::bad_alloc();
}

void read_with_libpng(const Png& png, Pixels wanted, Palette palette, RawImage& image) {
  Reader reader;
  make(reader, png);
  const auto check = [&](bool good) {
    if (!good) throw std::runtime_error(reader.error.data());
  };
  check(start(reader, palette));
  image.components = png_get_channels(reader.state, reader.info);
  if (wanted == Pixels::skip) return;
  const auto bytes = png_get_rowbytes(reader.state, reader.info);
  image.pixels.resize(png.height * bytes);
  std::vector<png_bytep> rows(png.height);
  for (std::size_t y = 0; y < rows.size(); ++y)
    rows[y] = reinterpret_cast<png_bytep>(image.pixels.data() + y * bytes);
  check(take_rows(reader, rows.data()));
}

}  // namespace

RawImage read_png(const std::filesystem::path& path, Pixels pixels, Palette palette) {
  const auto png = opened(path);
  if (png.pixels.empty()) throw std::runtime_error("it has no pixels");
  if (product(png.height, png.row_bytes() + 1) > product(png.packed_bytes(), kDeflateRatio))
    throw std::runtime_error("its header names more pixels than it can hold");
  RawImage image;
  image.format = "PNG";
  image.type = png.depth == 16 ? PixelType::uint16 : PixelType::uint8;
  image.stored_type = name_of(image.type);
  image.size = {png.height, png.width};
  image.components = static_cast<std::int64_t>(png.channels());
  const bool plain =
      !png.interlaced && !png.transparency && png.depth >= 8 && png.colour != indexed;
  if (!plain)
    read_with_libpng(png, pixels, palette, image);
  else if (pixels == Pixels::read)
    image.pixels = plain_pixels(png);
  return image;
}

}  // namespace covector::datasets::io
