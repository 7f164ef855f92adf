#pragma once

#include "covector/core/export.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace covector {

/// A ZIP archive that is read. What is said of a damaged one names it: all throw DataError.
class COVECTOR_API Archive {
 public:
  explicit Archive(std::filesystem::path file);
  ~Archive();
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  const std::filesystem::path& file() const { return file_; }
  std::vector<std::string> names() const;
  bool holds(const std::string& name) const;
  /// Bytes of a member once unpacked.
  std::size_t size(const std::string& name) const;
  /// A member whole, its checksum compared.
  std::string read(const std::string& name) const;
  /// The same, into memory of size(name) bytes.
  void read(const std::string& name, void* to) const;

 private:
  struct Handle;
  std::filesystem::path file_;
  std::uintmax_t bytes_;  // of the file
  std::unique_ptr<Handle> handle_;
};

}  // namespace covector
