#include "covector/core/check.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace covector {
namespace {

std::string text_of(at::IntArrayRef shape) {
  std::string text = "[";
  for (const auto length : shape) {
    if (text.size() > 1) text += ", ";
    text += length == kAny ? "*" : std::to_string(length);
  }
  return text + "]";
}

}  // namespace

void check_shape(std::string_view name, const at::Tensor& tensor, at::IntArrayRef expected) {
  const auto agree = [](std::int64_t got, std::int64_t wanted) {
    return wanted == kAny || got == wanted;
  };
  const auto sizes = tensor.sizes();
  if (std::equal(sizes.begin(), sizes.end(), expected.begin(), expected.end(), agree)) return;
  throw std::invalid_argument(std::string(name) + ": expected " + text_of(expected) + ", got " +
                              text_of(sizes));
}

}  // namespace covector
