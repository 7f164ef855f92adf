#include "raw_image.h"

#include "covector/core/error.h"

#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>

namespace covector::datasets::io {
namespace {

using Closed = void (*)(GifFileType*);
using File = std::unique_ptr<GifFileType, Closed>;

std::runtime_error failure(int code) {
  const auto* text = GifErrorString(code);
  return std::runtime_error(text ? text : "unknown error");
}

File opened(const std::filesystem::path& path) {
  int code = 0;
  File file(DGifOpenFileName(path.c_str(), &code),
            [](GifFileType* f) { DGifCloseFile(f, nullptr); });
  if (!file) throw failure(code);
  return file;
}

void skip_extension(GifFileType& file) {
  int kind = 0;
  GifByteType* block = nullptr;
  if (DGifGetExtension(&file, &kind, &block) == GIF_ERROR) throw failure(file.Error);
  while (block)
    if (DGifGetExtensionNext(&file, &block) == GIF_ERROR) throw failure(file.Error);
}

/// Whether another image follows; the file then stands behind its header.
bool next_image(GifFileType& file) {
  for (;;) {
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(&file, &record) == GIF_ERROR) throw failure(file.Error);
    if (record == TERMINATE_RECORD_TYPE) return false;
    if (record == IMAGE_DESC_RECORD_TYPE) {
      if (DGifGetImageDesc(&file) == GIF_ERROR) throw failure(file.Error);
      return true;
    }
    skip_extension(file);
  }
}

// A code of n bits stands for fewer than 2^n pixels and n is at most 12, which makes at most
// 4096 / 12 * 8 pixels a byte: no file need be trusted with more memory.
void check_possible(const GifFileType& file, const std::filesystem::path& path) {
  constexpr std::uintmax_t kPixelsPerByte = 2731;
  const auto pixels = static_cast<std::uintmax_t>(file.Image.Width) *
                      static_cast<std::uintmax_t>(file.Image.Height);
  if (pixels > kPixelsPerByte * std::filesystem::file_size(path))
    throw std::runtime_error("it is cut short: too small for its " +
                             std::to_string(file.Image.Width) + " x " +
                             std::to_string(file.Image.Height) + " pixels");
}

/// GIF89a, appendix E: an interlaced image has every eighth row, the rows between, and so on.
std::vector<std::int64_t> row_order(std::int64_t rows, bool interlaced) {
  constexpr std::array<std::pair<int, int>, 4> kPasses{{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
  constexpr std::array<std::pair<int, int>, 1> kPlain{{{0, 1}}};
  std::vector<std::int64_t> order;
  const auto add = [&](const auto& passes) {
    for (const auto& [first, step] : passes)
      for (std::int64_t row = first; row < rows; row += step) order.push_back(row);
  };
  interlaced ? add(kPasses) : add(kPlain);
  return order;
}

void read_indices(GifFileType& file, RawImage& image) {
  const auto width = image.size[1];
  image.pixels.resize(static_cast<std::size_t>(image.voxels()));
  for (const auto row : row_order(image.size[0], file.Image.Interlace)) {
    auto* pixels = reinterpret_cast<GifPixelType*>(image.pixels.data() + row * width);
    if (DGifGetLine(&file, pixels, static_cast<int>(width)) == GIF_ERROR) throw failure(file.Error);
  }
  if (next_image(file))
    throw std::runtime_error(
        "it holds several pictures, an animation; store the one that is meant");
}

bool is_gray(const ColorMapObject& map) {
  return std::all_of(map.Colors, map.Colors + map.ColorCount, [](const GifColorType& colour) {
    return colour.Red == colour.Green && colour.Red == colour.Blue;
  });
}

void expand(const ColorMapObject& map, RawImage& image) {
  std::vector<std::byte> colours;
  colours.reserve(image.pixels.size() * static_cast<std::size_t>(image.components));
  for (const auto index : image.pixels) {
    if (static_cast<int>(index) >= map.ColorCount)
      throw std::runtime_error("a pixel has colour " + std::to_string(static_cast<int>(index)) +
                               ", and the table of colours ends at " +
                               std::to_string(map.ColorCount - 1));
    const auto& colour = map.Colors[static_cast<std::size_t>(index)];
    colours.push_back(std::byte{colour.Red});
    if (image.components == 1) continue;
    colours.push_back(std::byte{colour.Green});
    colours.push_back(std::byte{colour.Blue});
  }
  image.pixels = std::move(colours);
}

RawImage read(const std::filesystem::path& path, Pixels pixels, Palette palette) {
  const auto file = opened(path);
  if (!next_image(*file)) throw std::runtime_error("it holds no picture");
  const auto& frame = file->Image;
  if (frame.Left != 0 || frame.Top != 0 || frame.Width != file->SWidth ||
      frame.Height != file->SHeight)
    throw std::runtime_error("its picture covers only a part of its area");
  const auto* map = frame.ColorMap ? frame.ColorMap : file->SColorMap;
  const bool in_colour = palette == Palette::expand;
  if (in_colour && !map) throw std::runtime_error("it has no table of colours");

  RawImage image;
  image.format = "GIF";
  image.stored_type = "uint8";
  image.size = {frame.Height, frame.Width};
  if (image.voxels() <= 0) throw std::runtime_error("it has no pixels");
  image.components = in_colour && !is_gray(*map) ? 3 : 1;
  if (pixels == Pixels::skip) return image;
  check_possible(*file, path);
  read_indices(*file, image);
  if (in_colour) expand(*map, image);
  return image;
}

}  // namespace

RawImage read_gif(const std::filesystem::path& path, Pixels pixels, Palette palette) {
  try {
    return read(path, pixels, palette);
  } catch (const std::runtime_error& error) {
    throw DataError(path.string() + ": cannot be read as GIF (" + error.what() +
                    "); the file is damaged or truncated, fetch it again");
  }
}

}  // namespace covector::datasets::io
