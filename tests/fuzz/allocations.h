#pragma once

#include <cstddef>

namespace covector::fuzz {

/// Counts what the whole process takes from malloc and new. Under AddressSanitizer through its
/// hooks, else by standing in for malloc (glibc).
void watch_allocations();
/// From here on, nothing counts as taken.
void restart_count();
/// The most bytes held at one time since then.
std::size_t most_bytes();

}  // namespace covector::fuzz
