#include "duration.h"

#include <cmath>

namespace covector {
namespace {

/// "2 h 10 min"; the smaller part only where it is not 0.
std::string in_two(long amount, long in_larger, const std::string& larger,
                   const std::string& smaller) {
  const auto rest = amount % in_larger;
  return std::to_string(amount / in_larger) + larger +
         (rest > 0 ? " " + std::to_string(rest) + smaller : "");
}

}  // namespace

std::string duration_text(double seconds) {
  if (seconds < 119.5) return std::to_string(std::lround(seconds)) + " s";
  const auto minutes = std::lround(seconds / 60);
  if (minutes < 60) return std::to_string(minutes) + " min";
  if (minutes < 24 * 60) return in_two(minutes, 60, " h", " min");
  return in_two(std::lround(seconds / 3600), 24, " d", " h");
}

}  // namespace covector
