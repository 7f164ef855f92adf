// The format: numpy.lib.format, versions 1 to 3. Each member is "\x93NUMPY", two bytes of version,
// the length of the header, the header (a Python dict as text), the numbers.
#include "weights_formats.h"

#include "number_type.h"

#include <torch/types.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <numeric>
#include <regex>
#include <stdexcept>

namespace covector {
namespace {

constexpr std::string_view kSuffix = ".npy";
constexpr std::string_view kMagic = "\x93NUMPY";

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument(what);
}

/// The header, taken off the front of `bytes`.
std::string take_header(std::string_view& bytes) {
  if (!bytes.starts_with(kMagic) || bytes.size() < kMagic.size() + 6)
    refuse("does not begin as an array of NumPy does");
  const auto version = bytes[kMagic.size()];
  bytes.remove_prefix(kMagic.size() + 2);
  const std::size_t width = version == 1 ? 2 : 4;
  std::uint32_t length = 0;
  std::memcpy(&length, bytes.data(), width);
  bytes.remove_prefix(width);
  if (length > bytes.size()) refuse("is cut short");
  const std::string header(bytes.substr(0, length));
  bytes.remove_prefix(length);
  return header;
}

std::string field(const std::string& header, const std::string& pattern) {
  std::smatch found;
  if (!std::regex_search(header, found, std::regex(pattern))) refuse("has an unusual header");
  return found[1];
}

std::vector<std::int64_t> sizes_in(const std::string& text) {
  std::vector<std::int64_t> sizes;
  for (const auto* at = text.data(); at != text.data() + text.size();) {
    std::int64_t size = 0;
    const auto [next, error] = std::from_chars(at, text.data() + text.size(), size);
    if (error == std::errc()) sizes.push_back(size);
    at = error == std::errc::invalid_argument ? at + 1 : next;
  }
  return sizes;
}

at::Tensor tensor_of(std::string_view bytes) {
  const auto header = take_header(bytes);
  const auto descr = field(header, "'descr': *'([^']*)'");
  const auto* type = find_type(&NumberType::numpy, descr);
  if (!type) refuse("has numbers of type " + descr + ", which is not known here");
  auto sizes = sizes_in(field(header, R"('shape': *\(([0-9, ]*)\))"));
  std::uint64_t needed = c10::elementSize(type->type);
  for (const auto size : sizes)
    if (__builtin_mul_overflow(needed, static_cast<std::uint64_t>(size), &needed))
      refuse("is too large");
  if (needed != bytes.size()) refuse("does not have the bytes that its shape needs");

  const bool columns_first = field(header, "'fortran_order': *(True|False)") == "True";
  if (columns_first) std::reverse(sizes.begin(), sizes.end());
  auto tensor = torch::empty(sizes, type->type);
  std::copy(bytes.begin(), bytes.end(), static_cast<char*>(tensor.data_ptr()));
  if (!columns_first) return tensor;
  std::vector<std::int64_t> order(sizes.size());
  std::iota(order.rbegin(), order.rend(), 0);
  return tensor.permute(order).contiguous();
}

}  // namespace

WeightsFile read_npz(const Archive& archive) {
  WeightsFile file{{{}}, {}};
  for (const auto& member : archive.names()) {
    const auto name = member.substr(0, member.size() - std::min(member.size(), kSuffix.size()));
    if (!member.ends_with(kSuffix)) {
      file.others.push_back(member + ": no array");
      continue;
    }
    try {
      file.groups[0].tensors[name] = tensor_of(archive.read(member));
    } catch (const std::invalid_argument& error) {
      refuse("'" + name + "' " + error.what());
    }
  }
  return file;
}

}  // namespace covector
