// The format: https://github.com/huggingface/safetensors, "Format". Eight bytes, the length of the
// header; the header, JSON, filled up with spaces; then the numbers of all tensors without a gap.
#include "weights_formats.h"

#include "number_type.h"

#include <torch/types.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace covector {
namespace {

using nlohmann::json;

constexpr std::size_t kLength = sizeof(std::uint64_t);
constexpr std::size_t kAlignment = 8;
constexpr const char* kMetadata = "__metadata__";

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument(what);
}

json header_of(const std::string& bytes) {
  std::uint64_t length = 0;
  if (bytes.size() < kLength) refuse("it is cut short");
  std::memcpy(&length, bytes.data(), kLength);
  if (length > bytes.size() - kLength) refuse("it is cut short: its header ends behind its end");
  const auto* begin = bytes.data() + kLength;
  auto header = json::parse(begin, begin + length, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) refuse("its header is no JSON object");
  return header;
}

/// One entry of the header.
struct Place {
  std::string name;
  const NumberType* type;
  std::vector<std::int64_t> sizes;
  std::uint64_t begin, end;  // bytes after the header
};

std::vector<std::uint64_t> numbers(const json& entry, const char* key) {
  std::vector<std::uint64_t> all;
  if (!entry.contains(key) || !entry[key].is_array())
    refuse(std::string("an entry of its header has no '") + key + "'");
  for (const auto& number : entry[key]) {
    if (!number.is_number_unsigned()) refuse(std::string("a number of '") + key + "' is none");
    all.push_back(number.get<std::uint64_t>());
  }
  return all;
}

Place place_of(const std::string& name, const json& entry) {
  if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string())
    refuse("'" + name + "' has no 'dtype'");
  const auto word = entry["dtype"].get<std::string>();
  const auto* type = find_type(&NumberType::safetensors, word);
  if (!type) refuse("'" + name + "' is of type " + word + ", which is not known here");
  const auto range = numbers(entry, "data_offsets");
  if (range.size() != 2) refuse("'" + name + "' needs two 'data_offsets'");
  Place place{name, type, {}, range[0], range[1]};
  std::uint64_t bytes = c10::elementSize(type->type);
  for (const auto size : numbers(entry, "shape")) {
    if (__builtin_mul_overflow(bytes, size, &bytes)) refuse("'" + name + "' is too large");
    place.sizes.push_back(static_cast<std::int64_t>(size));
  }
  if (place.end < place.begin || place.end - place.begin != bytes)
    refuse("'" + name + "' does not have the bytes that its shape needs");
  return place;
}

}  // namespace

WeightsFile read_safetensors(const std::string& bytes) {
  const auto header = header_of(bytes);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLength);
  const auto* data = bytes.data() + kLength + length;
  const auto available = bytes.size() - kLength - length;

  std::vector<Place> places;
  for (const auto& [name, entry] : header.items())
    if (name != kMetadata) places.push_back(place_of(name, entry));
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t next = 0;
  WeightsFile file{{{}}, {}};
  for (const auto& place : places) {
    if (place.begin != next)
      refuse("'" + place.name + "' does not begin where the one before ends");
    next = place.end;
    if (next > available) refuse("it is cut short: '" + place.name + "' ends behind its end");
    auto tensor = torch::empty(place.sizes, place.type->type);
    std::copy_n(data + place.begin, place.end - place.begin, static_cast<char*>(tensor.data_ptr()));
    file.groups[0].tensors[place.name] = std::move(tensor);
  }
  if (next != available) refuse("it has bytes that belong to no tensor");
  return file;
}

std::string safetensors_bytes(const StateDict& tensors) {
  // Wide numbers first, so that each tensor begins at a multiple of its width.
  std::vector<std::pair<std::string, at::Tensor>> ordered(tensors.begin(), tensors.end());
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
    return a.second.element_size() > b.second.element_size();
  });
  nlohmann::ordered_json header{{kMetadata, {{"format", "pt"}}}};
  std::string data;
  for (const auto& [name, tensor] : ordered) {
    const auto* type = find_type(tensor.scalar_type());
    if (!type) refuse("'" + name + "' has numbers of a type that safetensors lack");
    const auto begin = data.size();
    const auto whole = tensor.detach().cpu().contiguous();
    data.append(static_cast<const char*>(whole.data_ptr()), whole.nbytes());
    header[name] = {{"dtype", type->safetensors},
                    {"shape", whole.sizes().vec()},
                    {"data_offsets", {begin, data.size()}}};
  }
  auto text = header.dump();
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  const std::uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), kLength) + text + data;
}

}  // namespace covector
