#pragma once

#include "covector/core/option_table.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace covector::datasets {

/// A hash (XXH3, 32 hexadecimal digits) of what a dataset yields: its options but for `root`, so
/// that it is the same on every machine, and of each file its path relative to `root`, length, and
/// first and last 64 KiB. `notes` holds what else matters, in order, such as the split of each
/// image.
COVECTOR_API std::string fingerprint_of(const OptionTable& options,
                                        const std::filesystem::path& root,
                                        const std::vector<std::filesystem::path>& files,
                                        const std::vector<std::string>& notes);

/// XXH3 of bytes, 64 bits.
COVECTOR_API std::uint64_t checksum_of(const void* bytes, std::size_t length);

}  // namespace covector::datasets
