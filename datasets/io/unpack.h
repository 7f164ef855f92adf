#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

namespace covector::datasets::io {

using Bytes = std::vector<std::byte>;
using ByteSpan = std::span<const std::byte>;

/// The most that deflate can shrink by, for zlib, gzip and PNG: zlib's "Technical Details" say
/// 1032. What a header names beyond that cannot be in the file, and no memory is taken for it.
inline constexpr std::uint64_t kDeflateRatio = 1032;

/// a * b, or the largest number where it does not fit.
std::uint64_t product(std::uint64_t a, std::uint64_t b);

/// Throws std::runtime_error.
Bytes file_bytes(const std::filesystem::path& path);

/// Throw std::runtime_error when the stream is damaged or has another length.
void unpack_zlib(ByteSpan packed, std::span<std::byte> out);
enum class Unpacked { whole, otherwise, damaged };
/// The first `needed` bytes of a gzip stream, whose checksum is right. `otherwise`: the file
/// consists of several streams, or holds much more. `damaged`: it is cut short, or a bit is wrong.
Unpacked unpack_gzip(ByteSpan packed, Bytes& out, std::uint64_t needed);

std::uint32_t checksum(ByteSpan bytes);  // CRC-32 as PNG and gzip use it

}  // namespace covector::datasets::io
