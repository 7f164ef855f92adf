#include "meta_header.h"

#include "unpack.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

// The fields: https://itk.org/Wiki/MetaIO/Documentation. MET_LONG has 4 bytes there.

namespace covector::datasets::io {
namespace {

struct Header {
  std::map<std::string, std::string> fields;
  std::uint64_t end = 0;  // of its text, in bytes

  std::string text(const std::string& name, const std::string& otherwise = "") const {
    const auto hit = fields.find(name);
    return hit == fields.end() ? otherwise : hit->second;
  }
  bool yes(const std::string& name, bool otherwise) const {
    const auto value = text(name, otherwise ? "T" : "F");
    return !value.empty() && (value[0] == 'T' || value[0] == 't' || value[0] == '1');
  }
};

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r") + 1 - first);
}

Header header_of(const std::filesystem::path& path) {
  // MetaIO's own limits on a line, and more fields than any header has.
  constexpr std::size_t kLongest = 2000;
  constexpr std::size_t kMostFields = 1000;
  std::ifstream file(path, std::ios::binary);
  Header header;
  std::string line;
  while (header.fields.size() < kMostFields && std::getline(file, line) && file) {
    if (line.size() > kLongest) break;
    const auto equals = line.find('=');
    if (equals == std::string::npos) {
      if (trimmed(line).empty()) continue;
      break;
    }
    const auto name = trimmed(line.substr(0, equals));
    if (!header.fields.emplace(name, trimmed(line.substr(equals + 1))).second)
      throw std::runtime_error("its header names " + name + " twice");
    if (name != "ElementDataFile") continue;
    header.end = static_cast<std::uint64_t>(file.tellg());
    return header;
  }
  throw std::runtime_error("its header has no ElementDataFile");
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

std::uint64_t whole_number(const std::string& name, const std::string& word) {
  std::uint64_t value = 0;
  const auto* last = word.data() + word.size();
  if (const auto result = std::from_chars(word.data(), last, value);
      result.ec != std::errc() || result.ptr != last)
    throw std::runtime_error("its " + name + " is '" + word + "', no whole number");
  return value;
}

std::uint64_t whole_number(const Header& header, const std::string& name, std::uint64_t otherwise) {
  const auto value = header.text(name);
  return value.empty() ? otherwise : whole_number(name, value);
}

std::uint64_t bytes_of_type(const std::string& type) {
  static const std::map<std::string, std::uint64_t> kBytes{
      {"MET_CHAR", 1},  {"MET_UCHAR", 1},     {"MET_SHORT", 2},      {"MET_USHORT", 2},
      {"MET_INT", 4},   {"MET_UINT", 4},      {"MET_LONG", 4},       {"MET_ULONG", 4},
      {"MET_FLOAT", 4}, {"MET_LONG_LONG", 8}, {"MET_ULONG_LONG", 8}, {"MET_DOUBLE", 8}};
  const auto hit = kBytes.find(type);
  if (hit == kBytes.end())
    throw std::runtime_error("pixels of type '" + type + "' are not supported");
  return hit->second;
}

std::uint64_t values_of(const Header& header) {
  const auto dimensions = whole_number(header, "NDims", 0);
  if (dimensions < 1 || dimensions > 10)
    throw std::runtime_error("its NDims is '" + header.text("NDims") + "'");
  const auto sides = words(header.text("DimSize"));
  if (sides.size() != dimensions)
    throw std::runtime_error("its DimSize has " + std::to_string(sides.size()) + " numbers for " +
                             std::to_string(dimensions) + " dimensions");
  auto count = whole_number(header, "ElementNumberOfChannels", 1);
  for (const auto& side : sides) count = product(count, whole_number("DimSize", side));
  if (count == 0) throw std::runtime_error("it has no pixels");
  return count;
}

// The size of a list of numbers decides how many MetaIO reads.
void check_placement(const Header& header, std::uint64_t dimensions) {
  constexpr double kLargest = 1e6;
  const auto check = [&](const std::string& name, std::uint64_t count) {
    const auto value = header.text(name);
    const auto numbers = words(value);
    if (value.empty()) return;
    if (numbers.size() != count)
      throw std::runtime_error("its " + name + " has " + std::to_string(numbers.size()) +
                               " numbers, not " + std::to_string(count));
    for (const auto& word : numbers) {
      char* end = nullptr;
      const auto number = std::strtod(word.c_str(), &end);
      if (*end != '\0' || !(std::abs(number) <= kLargest))
        throw std::runtime_error("its " + name + " holds '" + word + "'");
    }
  };
  for (const auto* name : {"TransformMatrix", "Rotation", "Orientation"})
    check(name, dimensions * dimensions);
  for (const auto* name :
       {"Offset", "Position", "Origin", "CenterOfRotation", "ElementSpacing", "ElementSize"})
    check(name, dimensions);
}

/// Where the data are: file, first byte, and how many there are.
std::uint64_t data_length(const std::filesystem::path& path, const Header& header) {
  const auto name = header.text("ElementDataFile");
  if (name == "LOCAL") return std::filesystem::file_size(path) - header.end;
  if (name.starts_with("LIST") || name.find_first_of(" %") != std::string::npos)
    throw std::runtime_error("one file a slice is not supported; convert it to one .mha");
  const auto data = path.parent_path() / name;
  if (!std::filesystem::is_regular_file(data))
    throw std::runtime_error("its data file " + data.string() + " does not exist");
  return std::filesystem::file_size(data);
}

void check_length(std::uint64_t found, std::uint64_t needed) {
  if (found < needed)
    throw std::runtime_error("it is cut short: " + std::to_string(found) + " of " +
                             std::to_string(needed) + " bytes");
}

}  // namespace

void check_whole_meta(const std::filesystem::path& path) {
  const auto header = header_of(path);
  const auto values = values_of(header);
  const auto bytes = product(values, bytes_of_type(header.text("ElementType")));
  check_placement(header, whole_number(header, "NDims", 0));
  // -1: the data are the end of their file.
  if (const auto skipped = header.text("HeaderSize", "0"); skipped != "0" && skipped != "-1")
    throw std::runtime_error("its HeaderSize is '" + skipped + "'; only 0 and -1 are supported");
  const auto length = data_length(path, header);
  if (header.yes("CompressedData", false)) {
    const auto packed = whole_number(header, "CompressedDataSize", length);
    check_length(length, packed);
    check_length(product(packed, kDeflateRatio), bytes);
  } else if (!header.yes("BinaryData", true)) {
    check_length(length, product(values, 2));  // a digit and what ends it
  } else {
    check_length(length, bytes);
  }
}

}  // namespace covector::datasets::io
