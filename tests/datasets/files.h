#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace covector::testing {

/// A folder of its own, gone with its object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "covector-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The folder with real images, which are no part of the repository: $COVECTOR_SHARED, else shared/
/// beside the source tree. Nothing when it is not there.
inline std::optional<std::filesystem::path> shared_images() {
  const char* given = std::getenv("COVECTOR_SHARED");
  const std::filesystem::path folder =
      given ? std::filesystem::path(given)
            : std::filesystem::path(COVECTOR_SOURCE_DIR).parent_path() / "shared";
  if (!std::filesystem::is_directory(folder / "data")) return std::nullopt;
  return folder / "data";
}

inline std::string bytes_of_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

inline void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Little-endian bytes of a number.
template <class Value>
std::string raw(Value value) {
  std::string bytes(sizeof(Value), '\0');
  std::memcpy(bytes.data(), &value, sizeof(Value));
  return bytes;
}

template <class Value>
std::string raw(const std::vector<Value>& values) {
  std::string bytes;
  for (const auto& value : values) bytes += raw(value);
  return bytes;
}

/// A DICOM file (explicit VR, little-endian) written byte by byte, as PS3.5 section 7 lays it out.
class DicomBytes {
 public:
  std::uint16_t rows = 2, columns = 3, samples = 1, planar = 0;
  std::uint16_t allocated = 16, stored = 12, is_signed = 0;
  std::string photometric = "MONOCHROME2";
  std::string series = "1.2.3";
  std::string position, orientation, spacing, slope, intercept, frames;
  std::string pixels;
  bool with_pixels = true;
  std::string syntax = "1.2.840.10008.1.2.1";  // anything else: `pixels` is one compressed frame

  std::string file() const {
    std::string meta = element(2, 0x0010, "UI", syntax);
    std::string out(128, '\0');
    out += "DICM" + element(2, 0, "UL", raw(static_cast<std::uint32_t>(meta.size()))) + meta;
    out += element(0x20, 0x000E, "UI", series);
    if (!position.empty()) out += element(0x20, 0x0032, "DS", position);
    if (!orientation.empty()) out += element(0x20, 0x0037, "DS", orientation);
    out += element(0x28, 0x0002, "US", raw(samples));
    out += element(0x28, 0x0004, "CS", photometric);
    if (samples > 1) out += element(0x28, 0x0006, "US", raw(planar));
    if (!frames.empty()) out += element(0x28, 0x0008, "IS", frames);
    out += element(0x28, 0x0010, "US", raw(rows));
    out += element(0x28, 0x0011, "US", raw(columns));
    if (!spacing.empty()) out += element(0x28, 0x0030, "DS", spacing);
    out += element(0x28, 0x0100, "US", raw(allocated));
    out += element(0x28, 0x0101, "US", raw(stored));
    out += element(0x28, 0x0102, "US", raw(static_cast<std::uint16_t>(stored - 1)));
    out += element(0x28, 0x0103, "US", raw(is_signed));
    if (!intercept.empty()) out += element(0x28, 0x1052, "DS", intercept);
    if (!slope.empty()) out += element(0x28, 0x1053, "DS", slope);
    if (!with_pixels) return out;
    if (syntax != "1.2.840.10008.1.2.1") return out + compressed();
    return out + element(0x7FE0, 0x0010, allocated > 8 ? "OW" : "OB", pixels);
  }

 private:
  // PS3.5 section A.4: an empty offset table, one fragment, the end of the sequence.
  std::string compressed() const {
    const auto item = [](std::uint16_t number, std::uint32_t length) {
      return raw(std::uint16_t{0xFFFE}) + raw(number) + raw(length);
    };
    return raw(std::uint16_t{0x7FE0}) + raw(std::uint16_t{0x0010}) + std::string("OB\0\0", 4) +
           raw(std::uint32_t{0xFFFFFFFF}) + item(0xE000, 0) +
           item(0xE000, static_cast<std::uint32_t>(pixels.size())) + pixels + item(0xE0DD, 0);
  }

  static std::string element(std::uint16_t group, std::uint16_t number, const std::string& type,
                             std::string value) {
    if (value.size() % 2) value += type == "UI" || type[0] == 'O' ? '\0' : ' ';
    std::string out = raw(group) + raw(number) + type;
    if (type[0] == 'O')
      out += raw(std::uint16_t{0}) + raw(static_cast<std::uint32_t>(value.size()));
    else
      out += raw(static_cast<std::uint16_t>(value.size()));
    return out + value;
  }
};

/// A NIfTI-1 file of int16 voxels written byte by byte, with sform = diag(spacing) and origin.
struct NiftiBytes {
  std::vector<std::int16_t> size;  // x, y, z(, t)
  std::vector<float> spacing{2, 3, 4};
  std::vector<float> origin{10, 20, 30};  // RAS, as NIfTI counts
  float slope = 0, intercept = 0;
  std::vector<std::int16_t> voxels;

  std::string file() const {
    std::string header(352, '\0');
    const auto put = [&](std::size_t at, const std::string& bytes) {
      header.replace(at, bytes.size(), bytes);
    };
    put(0, raw(std::int32_t{348}));
    put(40, raw(static_cast<std::int16_t>(size.size())));
    for (std::size_t i = 0; i < 7; ++i)
      put(42 + 2 * i, raw(i < size.size() ? size[i] : std::int16_t{1}));
    put(70, raw(std::int16_t{4}));   // int16
    put(72, raw(std::int16_t{16}));  // bits
    put(76, raw(1.0F));
    for (std::size_t i = 0; i < 3; ++i) put(80 + 4 * i, raw(spacing[i]));
    put(108, raw(352.0F));
    put(112, raw(slope));
    put(116, raw(intercept));
    put(254, raw(std::int16_t{1}));  // sform: scanner
    for (std::size_t row = 0; row < 3; ++row) {
      put(280 + 16 * row + 4 * row, raw(spacing[row]));
      put(280 + 16 * row + 12, raw(origin[row]));
    }
    put(344, std::string("n+1\0", 4));
    return header + raw(voxels);
  }
};

}  // namespace covector::testing
