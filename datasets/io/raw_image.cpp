#include "raw_image.h"

#include <array>

namespace covector::datasets::io {
namespace {
struct TypeEntry {
  std::string_view name;
  std::size_t bytes;
};
// In the order of PixelType.
constexpr std::array<TypeEntry, 10> kTypes{{{"uint8", 1},
                                            {"int8", 1},
                                            {"uint16", 2},
                                            {"int16", 2},
                                            {"uint32", 4},
                                            {"int32", 4},
                                            {"uint64", 8},
                                            {"int64", 8},
                                            {"float32", 4},
                                            {"float64", 8}}};
}  // namespace

std::size_t bytes_of(PixelType type) {
  return kTypes[static_cast<std::size_t>(type)].bytes;
}
std::string_view name_of(PixelType type) {
  return kTypes[static_cast<std::size_t>(type)].name;
}

}  // namespace covector::datasets::io
