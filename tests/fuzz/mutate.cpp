#include "mutate.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace covector::fuzz {
namespace {

std::size_t place(const std::string& bytes, Random& random) {
  const auto whole = bytes.size();
  const auto header = std::min<std::size_t>(whole, 400);
  return random.below(random.below(2) ? header : whole);
}

std::string noise(std::size_t length, Random& random) {
  std::string out(length, '\0');
  for (auto& c : out) c = static_cast<char>(random.below(256));
  return out;
}

void extreme_integer(std::string& bytes, Random& random) {
  constexpr std::array<std::uint64_t, 8> kValues{0,
                                                 1,
                                                 0x7F7F7F7F7F7F7F7F,
                                                 0x8080808080808080,
                                                 0xFFFFFFFFFFFFFFFF,
                                                 0x7FFFFFFFFFFFFFFF,
                                                 0x8000000000000000,
                                                 0x00FF00FF00FF00FF};
  auto value = kValues[random.below(kValues.size())];
  const auto width = std::size_t{1} << random.below(4);
  value >>= 64 - 8 * width;  // its upper bytes: the largest and the smallest of each width
  const bool big_endian = random.below(2) == 1;
  const auto at = place(bytes, random);
  for (std::size_t i = 0; i < width && at + i < bytes.size(); ++i)
    bytes[at + i] = static_cast<char>(value >> 8 * (big_endian ? width - 1 - i : i));
}

void number_in_text(std::string& bytes, Random& random) {
  constexpr std::array<std::string_view, 12> kNumbers{
      "0",          "-1",    "1",     "65536", "2147483647", "-2147483648",
      "4294967296", "99999", "1e400", "-nan",  "",           "999999999999999999999999"};
  const auto digit = [](unsigned char c) { return std::isdigit(c) != 0; };
  const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(place(bytes, random));
  const auto first = std::find_if(from, bytes.end(), digit);
  const auto last = std::find_if_not(first, bytes.end(), digit);
  bytes.replace(first, last, kNumbers[random.below(kNumbers.size())]);
}

void change(std::string& bytes, const std::string& other, Random& random) {
  if (bytes.empty()) bytes = noise(1 + random.below(64), random);
  const auto at = place(bytes, random);
  const auto length = 1 + random.below(std::min<std::size_t>(bytes.size() - at, 64));
  switch (random.below(9)) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ 1 << random.below(8));
      break;
    case 1:
      bytes.replace(at, length, noise(length, random));
      break;
    case 2:
      bytes.resize(at);
      break;
    case 3:
      bytes.replace(place(bytes, random), length, bytes.substr(at, length));
      break;
    case 4:
      bytes.insert(at, random.below(2) ? noise(length, random) : bytes.substr(at, length));
      break;
    case 5:
      bytes.erase(at, length);
      break;
    case 6:
      extreme_integer(bytes, random);
      break;
    case 7:
      number_in_text(bytes, random);
      break;
    default:
      bytes = bytes.substr(0, at) + other.substr(random.below(other.size()));
  }
}

}  // namespace

std::string mutate(std::string bytes, const std::string& other, Random& random) {
  for (auto changes = 1 + random.below(4); changes > 0; --changes) change(bytes, other, random);
  return bytes;
}

}  // namespace covector::fuzz
