#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace covector::fuzz {

/// Numbers that are the same with every compiler and standard library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  /// From 0 to count - 1.
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(engine_() % count); }

 private:
  std::mt19937_64 engine_;
};

/// One to four changes: bits flipped, bytes or blocks overwritten, inserted, taken out or copied,
/// the end cut off, extreme integers (both byte orders, more often near the start), numbers in text
/// replaced by extreme ones, the end of `other` put on.
std::string mutate(std::string bytes, const std::string& other, Random& random);

}  // namespace covector::fuzz
