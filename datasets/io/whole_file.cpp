#include "whole_file.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace covector::datasets::io {
namespace {

std::runtime_error cut_short(std::uint64_t found, std::uint64_t needed) {
  return std::runtime_error("it is cut short: " + std::to_string(found) + " of " +
                            std::to_string(needed) + " bytes");
}

// The fields of a NIfTI-1 header that say how long the file must be, in either byte order.
class NiftiHeader {
 public:
  static constexpr std::size_t kBytes = 348;

  explicit NiftiHeader(const std::array<char, kBytes>& bytes) : bytes_(bytes) {
    if (value<std::int32_t>(0) == kBytes) return;
    swapped_ = true;
    const auto size = value<std::int32_t>(0);
    if (size == 540) throw std::runtime_error("NIfTI-2 is not supported; convert it to NIfTI-1");
    if (size != kBytes) {
      swapped_ = false;
      if (value<std::int32_t>(0) == 540)
        throw std::runtime_error("NIfTI-2 is not supported; convert it to NIfTI-1");
      throw std::runtime_error("it does not start with a NIfTI header");
    }
  }

  /// Bytes up to the last voxel.
  std::uint64_t length() const {
    const auto dimensions = value<std::int16_t>(40);
    if (dimensions < 1 || dimensions > 7)
      throw std::runtime_error("its header names no dimensions");
    std::uint64_t voxels = 1;
    for (int axis = 1; axis <= dimensions; ++axis) {
      const auto side = value<std::int16_t>(40 + 2 * static_cast<std::size_t>(axis));
      if (side < 1) throw std::runtime_error("its header names a side of " + std::to_string(side));
      voxels *= static_cast<std::uint64_t>(side);
    }
    const auto bits =
        static_cast<std::uint64_t>(std::max<std::int16_t>(value<std::int16_t>(72), 1));
    const auto start = value<float>(108);
    return static_cast<std::uint64_t>(std::max(start, 352.0F)) + (voxels * bits + 7) / 8;
  }

 private:
  template <class Value>
  Value value(std::size_t at) const {
    std::array<char, sizeof(Value)> raw;
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at), raw.size(), raw.begin());
    if (swapped_) std::reverse(raw.begin(), raw.end());
    Value out;
    std::memcpy(&out, raw.data(), raw.size());
    return out;
  }

  std::array<char, kBytes> bytes_;
  bool swapped_ = false;
};

using GzFile = std::unique_ptr<gzFile_s, int (*)(gzFile)>;

// zlib hands a plain file through as it is.
GzFile open_gz(const std::filesystem::path& path) {
  GzFile file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw std::runtime_error("it cannot be opened");
  return file;
}

// A gzip file ends with the length of its contents (modulo 2^32).
std::uint32_t length_at_end(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(-4, std::ios::end);
  std::array<unsigned char, 4> tail{};
  file.read(reinterpret_cast<char*>(tail.data()), 4);
  return tail[0] | tail[1] << 8 | tail[2] << 16 | static_cast<std::uint32_t>(tail[3]) << 24;
}

std::uint64_t unpacked_length(const std::filesystem::path& path) {
  const auto file = open_gz(path);
  std::vector<char> buffer(1 << 20);
  std::uint64_t total = 0;
  int got = 0;
  while ((got = gzread(file.get(), buffer.data(), static_cast<unsigned>(buffer.size()))) > 0)
    total += static_cast<std::uint64_t>(got);
  return total;
}

}  // namespace

void check_whole_nifti(const std::filesystem::path& path) {
  std::array<char, NiftiHeader::kBytes> bytes{};
  const auto file = open_gz(path);
  const auto got = gzread(file.get(), bytes.data(), static_cast<unsigned>(bytes.size()));
  if (got < static_cast<int>(bytes.size())) throw std::runtime_error("it has no whole header");
  const auto needed = NiftiHeader(bytes).length();
  if (gzdirect(file.get())) {
    const auto length = std::filesystem::file_size(path);
    if (length < needed) throw cut_short(length, needed);
    return;
  }
  // Unpacking everything only to count is needed where the end says something else: another file
  // was appended, extra bytes follow the voxels, or the end is missing.
  if (length_at_end(path) == static_cast<std::uint32_t>(needed)) return;
  if (const auto length = unpacked_length(path); length < needed) throw cut_short(length, needed);
}

void check_whole_meta(const std::filesystem::path& path, std::size_t pixel_bytes) {
  std::ifstream file(path, std::ios::binary);
  std::uint64_t needed = pixel_bytes;
  std::string line;
  while (std::getline(file, line)) {
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    const auto trim = [](std::string text) {
      text.erase(0, text.find_first_not_of(" \t\r"));
      text.erase(text.find_last_not_of(" \t\r") + 1);
      return text;
    };
    const auto key = trim(line.substr(0, equals));
    const auto value = trim(line.substr(equals + 1));
    if (key == "CompressedDataSize") needed = std::stoull(value);
    if (key == "CompressedData" && value == "True") needed = std::min<std::uint64_t>(needed, 1);
    if (key != "ElementDataFile") continue;
    if (value.find(' ') != std::string::npos || value == "LIST") return;  // one file a slice
    const bool inside = value == "LOCAL";
    const auto data = inside ? path : path.parent_path() / value;
    if (!std::filesystem::exists(data))
      throw std::runtime_error("its data file " + data.string() + " does not exist");
    const auto start = inside ? static_cast<std::uint64_t>(file.tellg()) : 0;
    const auto length = std::filesystem::file_size(data) - start;
    if (length < needed) throw cut_short(length, needed);
    return;
  }
  throw std::runtime_error("its header has no ElementDataFile");
}

// PNG specification, section 5: a signature, then chunks of length, type, data, CRC of type and
// data.
void check_whole_png(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto number = [&](std::size_t at) {
    return static_cast<std::uint32_t>(data[at]) << 24 |
           static_cast<std::uint32_t>(data[at + 1]) << 16 |
           static_cast<std::uint32_t>(data[at + 2]) << 8 | data[at + 3];
  };
  if (!bytes.starts_with("\x89PNG\r\n\x1A\n"))
    throw std::runtime_error("it does not start with a PNG signature");
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    const std::size_t length = number(at);
    if (length > bytes.size() - at - 12) break;
    const auto type = bytes.substr(at + 4, 4);
    const auto sum = crc32(0, data + at + 4, static_cast<uInt>(length + 4));
    if (sum != number(at + 8 + length))
      throw std::runtime_error("its " + type + " chunk has a wrong checksum");
    if (type == "IEND") return;
    at += length + 12;
  }
  throw std::runtime_error("it is cut short");
}

void check_whole_jpeg(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const auto length = static_cast<std::int64_t>(file.tellg());
  std::string tail(static_cast<std::size_t>(std::min<std::int64_t>(length, 4096)), '\0');
  file.seekg(length - static_cast<std::int64_t>(tail.size()));
  file.read(tail.data(), static_cast<std::streamsize>(tail.size()));
  if (tail.find("\xFF\xD9") == std::string::npos)
    throw std::runtime_error("the end-of-image marker is missing");
}

}  // namespace covector::datasets::io
