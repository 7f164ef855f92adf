#pragma once

#include "covector/core/export.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace covector {

/// Writes one TensorBoard event file: TFRecord frames (length, masked CRC-32C of the length, data,
/// masked CRC-32C of the data; little-endian) around protobuf Event messages.
class COVECTOR_API EventFile {
 public:
  /// Makes events.out.tfevents.<seconds>.covector in the folder, in place of any that was there.
  EventFile(const std::filesystem::path& folder, double time);
  /// @param time  seconds since 1970
  void scalars(std::int64_t step, double time, const std::map<std::string, double>& values);
  void flush();

 private:
  void frame(const std::string& data);
  std::ofstream file_;
};

/// CRC-32C, rotated right by 15 bits plus 0xA282EAD8, as TFRecord wants it.
COVECTOR_API std::uint32_t masked_crc32c(const std::string& data);

}  // namespace covector
