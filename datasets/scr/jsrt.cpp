#include "jsrt.h"

#include "covector/core/error.h"
#include "covector/datasets/geometry.h"

#include <torch/types.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <string>

namespace covector::scr {
namespace {

constexpr std::int64_t kSide = 2048;
constexpr std::int64_t kLargest = 4095;
constexpr std::int64_t kBytes = 2 * kSide * kSide;

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string bytes(static_cast<std::size_t>(kBytes), '\0');
  if (!in) throw DataError(file.string() + ": cannot be opened; check the path");
  const auto length = static_cast<std::int64_t>(std::filesystem::file_size(file));
  if (length != kBytes || !in.read(bytes.data(), kBytes))
    throw DataError(file.string() + ": has " + std::to_string(length) +
                    " bytes, a radiograph of JSRT has 8388608 (2048 x 2048 words); fetch it again");
  return bytes;
}

}  // namespace

bool is_jsrt(const std::filesystem::path& file) {
  auto extension = file.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".img";
}

datasets::Image read_jsrt(const std::filesystem::path& file) {
  auto bytes = bytes_of(file);
  // [high, low] of each word.
  const auto words = torch::from_blob(bytes.data(), {1, kSide, kSide, 2}, torch::kUInt8);
  const auto stored = words.select(3, 0).to(torch::kInt32) * 256 + words.select(3, 1);
  if (const auto largest = stored.max().item<std::int64_t>(); largest > kLargest)
    throw DataError(file.string() + ": holds the value " + std::to_string(largest) +
                    ", radiographs of JSRT end at 4095; were its bytes swapped? Use the file as "
                    "it was downloaded");
  datasets::Image image;
  image.pixels = (kLargest - stored).to(torch::kUInt16);
  image.geometry = datasets::unit_geometry(2);
  image.geometry.spacing_mm = {0.175, 0.175};
  image.info.format = "JSRT";
  image.info.stored_type = "uint16";
  image.info.bits_stored = 12;
  return image;
}

}  // namespace covector::scr
