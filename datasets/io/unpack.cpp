#include "unpack.h"

#include <libdeflate.h>

#include <fstream>
#include <limits>
#include <memory>
#include <stdexcept>

namespace covector::datasets::io {
namespace {

using Decompressor =
    std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)>;

libdeflate_decompressor* decompressor() {
  // Tables of some kilobytes, made once a thread.
  thread_local const Decompressor kept(libdeflate_alloc_decompressor(),
                                       libdeflate_free_decompressor);
  if (!kept) throw std::bad_alloc();
  return kept.get();
}

}  // namespace

std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  return b != 0 && a > kMost / b ? kMost : a * b;
}

Bytes file_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("it cannot be opened");
  Bytes bytes(std::filesystem::file_size(path));
  if (!file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())))
    throw std::runtime_error("it cannot be read to its end");
  return bytes;
}

void unpack_zlib(ByteSpan packed, std::span<std::byte> out) {
  std::size_t length = 0;
  const auto result = libdeflate_zlib_decompress(decompressor(), packed.data(), packed.size(),
                                                 out.data(), out.size(), &length);
  if (result == LIBDEFLATE_BAD_DATA) throw std::runtime_error("its compressed pixels are damaged");
  if (result == LIBDEFLATE_INSUFFICIENT_SPACE)
    throw std::runtime_error("it holds more pixels than its header says");
  if (length != out.size()) throw std::runtime_error("it holds fewer pixels than its header says");
}

Unpacked unpack_gzip(ByteSpan packed, Bytes& out, std::uint64_t needed) {
  // Bytes that may follow the voxels without a second way of reading.
  constexpr std::uint64_t kMore = 64 << 10;
  out.resize(needed + kMore);
  std::size_t read = 0;
  std::size_t length = 0;
  const auto result = libdeflate_gzip_decompress_ex(decompressor(), packed.data(), packed.size(),
                                                    out.data(), out.size(), &read, &length);
  if (result == LIBDEFLATE_BAD_DATA) return Unpacked::damaged;
  if (result != LIBDEFLATE_SUCCESS || length < needed) return Unpacked::otherwise;
  out.resize(needed);
  return Unpacked::whole;
}

std::uint32_t checksum(ByteSpan bytes) {
  return libdeflate_crc32(0, bytes.data(), bytes.size());
}

}  // namespace covector::datasets::io
