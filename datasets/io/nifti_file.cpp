#include "nifti_file.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>

namespace covector::datasets::io {
namespace {

std::runtime_error cut_short(std::uint64_t found, std::uint64_t needed) {
  return std::runtime_error("it is cut short: " + std::to_string(found) + " of " +
                            std::to_string(needed) + " bytes");
}

// By the header's number: bits, and the type of single real numbers.
struct Type {
  std::uint64_t bits;
  std::optional<PixelType> plain;
};
const std::map<int, Type>& types() {
  static const std::map<int, Type> kTypes{{2, {8, PixelType::uint8}},
                                          {4, {16, PixelType::int16}},
                                          {8, {32, PixelType::int32}},
                                          {16, {32, PixelType::float32}},
                                          {32, {64, {}}},
                                          {64, {64, PixelType::float64}},
                                          {128, {24, {}}},
                                          {256, {8, PixelType::int8}},
                                          {512, {16, PixelType::uint16}},
                                          {768, {32, PixelType::uint32}},
                                          {1024, {64, PixelType::int64}},
                                          {1280, {64, PixelType::uint64}},
                                          {1792, {128, {}}},
                                          {2304, {32, {}}}};
  return kTypes;
}

using GzFile = std::unique_ptr<gzFile_s, int (*)(gzFile)>;

// zlib hands a plain file through as it is.
GzFile open_gz(const std::filesystem::path& path) {
  GzFile file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw std::runtime_error("it cannot be opened");
  return file;
}

/// Reads on until `out` is full or the file ends; returns the bytes read.
std::uint64_t read_on(gzFile file, std::span<std::byte> out) {
  constexpr std::size_t kAtOnce = 1 << 20;
  std::uint64_t total = 0;
  while (total < out.size()) {
    const auto wanted = static_cast<unsigned>(std::min<std::size_t>(out.size() - total, kAtOnce));
    const auto got = gzread(file, out.data() + total, wanted);
    if (got <= 0) break;
    total += static_cast<std::uint64_t>(got);
  }
  return total;
}

Bytes unpacked(const std::filesystem::path& path, std::uint64_t needed) {
  const auto packed = file_bytes(path);
  Bytes out;
  const auto result = unpack_gzip(packed, out, needed);
  if (result == Unpacked::whole) return out;
  const auto file = open_gz(path);
  out.resize(needed);
  const auto got = read_on(file.get(), out);
  int code = Z_OK;
  gzerror(file.get(), &code);
  if (code == Z_DATA_ERROR || (result == Unpacked::damaged && got == needed))
    throw std::runtime_error("its compressed voxels are damaged");
  if (got < needed) throw cut_short(got, needed);
  return out;
}

void swap_bytes(std::span<std::byte> values, std::size_t width) {
  if (width > 1)
    for (std::size_t at = 0; at + width <= values.size(); at += width)
      std::reverse(values.begin() + static_cast<std::ptrdiff_t>(at),
                   values.begin() + static_cast<std::ptrdiff_t>(at + width));
}

template <class Stored, class Result>
Bytes rescaled(const Bytes& stored, double slope, double intercept) {
  const auto count = stored.size() / sizeof(Stored);
  Bytes out(count * sizeof(Result));
  for (std::size_t i = 0; i < count; ++i) {
    Stored value;
    std::memcpy(&value, stored.data() + i * sizeof(Stored), sizeof(Stored));
    const auto result = static_cast<Result>(slope * static_cast<double>(value) + intercept);
    std::memcpy(out.data() + i * sizeof(Result), &result, sizeof(Result));
  }
  return out;
}

Bytes rescaled(const Bytes& stored, PixelType type, double slope, double intercept) {
  switch (type) {
    case PixelType::uint8:
      return rescaled<std::uint8_t, float>(stored, slope, intercept);
    case PixelType::int8:
      return rescaled<std::int8_t, float>(stored, slope, intercept);
    case PixelType::uint16:
      return rescaled<std::uint16_t, float>(stored, slope, intercept);
    case PixelType::int16:
      return rescaled<std::int16_t, float>(stored, slope, intercept);
    case PixelType::uint32:
      return rescaled<std::uint32_t, float>(stored, slope, intercept);
    case PixelType::int32:
      return rescaled<std::int32_t, float>(stored, slope, intercept);
    case PixelType::uint64:
      return rescaled<std::uint64_t, float>(stored, slope, intercept);
    case PixelType::int64:
      return rescaled<std::int64_t, float>(stored, slope, intercept);
    case PixelType::float32:
      return rescaled<float, float>(stored, slope, intercept);
    case PixelType::float64:
      return rescaled<double, double>(stored, slope, intercept);
  }
  return {};
}

}  // namespace

template <class Value>
Value NiftiHeader::value(std::size_t at) const {
  std::array<char, sizeof(Value)> raw;
  std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at), raw.size(), raw.begin());
  if (swapped_) std::reverse(raw.begin(), raw.end());
  Value out;
  std::memcpy(&out, raw.data(), raw.size());
  return out;
}

NiftiHeader::NiftiHeader(const std::array<char, kBytes>& bytes) : bytes_(bytes) {
  constexpr std::int32_t kNifti2 = 540;
  const auto size = value<std::int32_t>(0);
  swapped_ = size != kBytes;
  const auto other_order = value<std::int32_t>(0);
  if (size == kNifti2 || other_order == kNifti2)
    throw std::runtime_error("NIfTI-2 is not supported; convert it to NIfTI-1");
  if (swapped_ && other_order != kBytes)
    throw std::runtime_error("it does not start with a NIfTI header");
  type_ = value<std::int16_t>(70);
  if (!types().contains(type_))
    throw std::runtime_error("voxels of type " + std::to_string(type_) + " are not known");
  const auto dimensions = value<std::int16_t>(40);
  if (dimensions < 1 || dimensions > 7) throw std::runtime_error("its header names no dimensions");
  for (int axis = 1; axis <= dimensions; ++axis)
    if (const auto side = value<std::int16_t>(40 + 2 * static_cast<std::size_t>(axis)); side < 1)
      throw std::runtime_error("its header names a side of " + std::to_string(side));
  constexpr float kFurthest = 1 << 30;  // extensions of a gigabyte
  const auto start = value<float>(108);
  if (!(start <= kFurthest)) throw std::runtime_error("its header names no start of the voxels");
  start_ = static_cast<std::uint64_t>(std::max(start, 352.0F));
  check_placement();
}

// VNL, which ITK hands the matrix to, ends the process or goes on for ever otherwise.
void NiftiHeader::check_placement() const {
  constexpr float kLargest = 1e6F;
  const auto check = [&](std::size_t first, std::size_t count, const std::string& what) {
    for (std::size_t i = 0; i < count; ++i)
      if (!(std::abs(value<float>(first + 4 * i)) <= kLargest))
        throw std::runtime_error("its " + what + " holds a number that is no millimetres");
  };
  check(76, 4, "voxel size");
  if (value<std::int16_t>(252) > 0) check(256, 6, "quaternion");
  if (value<std::int16_t>(254) > 0) check(280, 12, "affine matrix");
}

std::uint64_t NiftiHeader::voxels() const {
  std::uint64_t count = 1;
  for (int axis = 1; axis <= value<std::int16_t>(40); ++axis)
    count = product(count, static_cast<std::uint64_t>(
                               value<std::int16_t>(40 + 2 * static_cast<std::size_t>(axis))));
  return count;
}

std::uint64_t NiftiHeader::length() const {
  // More bits than 2^60 are no file; the sum then stays in range.
  constexpr std::uint64_t kMostBits = std::uint64_t{1} << 60;
  return start_ + (std::min(product(voxels(), types().at(type_).bits), kMostBits) + 7) / 8;
}

std::optional<PixelType> NiftiHeader::plain_type() const {
  const auto dimensions = value<std::int16_t>(40);
  for (int axis = 5; axis <= dimensions; ++axis)
    if (value<std::int16_t>(40 + 2 * static_cast<std::size_t>(axis)) != 1) return std::nullopt;
  return types().at(type_).plain;
}

std::optional<std::pair<double, double>> NiftiHeader::slope_and_intercept() const {
  const double slope = value<float>(112);
  const double intercept = value<float>(116);
  if (slope == 0 || !std::isfinite(slope) || !std::isfinite(intercept) ||
      (slope == 1 && intercept == 0))
    return std::nullopt;
  return std::pair(slope, intercept);
}

NiftiFile::NiftiFile(const std::filesystem::path& path) : path_(path) {
  std::array<char, NiftiHeader::kBytes> bytes{};
  const auto file = open_gz(path);
  if (read_on(file.get(), std::as_writable_bytes(std::span(bytes))) < bytes.size())
    throw std::runtime_error("it has no whole header");
  header_.emplace(bytes);
  packed_ = gzdirect(file.get()) == 0;
  const auto needed = header_->length();
  const auto length = std::filesystem::file_size(path);
  if (const auto most = packed_ ? product(length, kDeflateRatio) : length; most < needed)
    throw cut_short(most, needed);
}

void NiftiFile::check_whole() const {
  if (packed_) unpacked(path_, header_->length());
}

void NiftiFile::read_voxels(RawImage& image) const {
  const auto type = header_->plain_type().value();
  const auto start = static_cast<std::ptrdiff_t>(header_->start());
  if (packed_) {
    image.pixels = unpacked(path_, header_->length());
    image.pixels.erase(image.pixels.begin(), image.pixels.begin() + start);
  } else {
    image.pixels.resize(header_->length() - header_->start());
    std::ifstream file(path_, std::ios::binary);
    file.seekg(start);
    if (!file.read(reinterpret_cast<char*>(image.pixels.data()),
                   static_cast<std::streamsize>(image.pixels.size())))
      throw std::runtime_error("it cannot be read to its end");
  }
  image.type = type;
  if (header_->swapped()) swap_bytes(image.pixels, bytes_of(type));
  if (const auto scale = header_->slope_and_intercept()) {
    image.pixels = rescaled(image.pixels, type, scale->first, scale->second);
    image.type = type == PixelType::float64 ? PixelType::float64 : PixelType::float32;
  }
}

}  // namespace covector::datasets::io
