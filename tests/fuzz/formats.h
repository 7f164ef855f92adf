#pragma once

#include "mutate.h"

#include <filesystem>
#include <string>
#include <vector>

namespace covector::fuzz {

/// How files of one format are made and read.
struct Format {
  std::string name;
  std::string extension;  // ".nii.gz"
  std::vector<std::string> seeds;
  /// Makes a changed seed a file again, most of the time: packed anew, checksums put right.
  /// Nothing: it is one.
  std::string (*finish)(const std::string& bytes, Random& random);
  void (*read)(const std::filesystem::path& path);
  /// The most bytes that a byte of the file may stand for.
  std::size_t ratio;

  /// The file with this number, always the same.
  std::string file(std::uint64_t number) const;
  /// What reading a file may hold at one time. The multiple: the pixels as the library gives them,
  /// as one type for all, as float32, and rearranged.
  std::size_t allowed_bytes(std::size_t file_bytes) const {
    return (std::size_t{8} << 20) + 8 * ratio * file_bytes;
  }
};

std::vector<Format> formats();

}  // namespace covector::fuzz
