#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace covector::datasets {

enum class Hdf5Type { uint8, uint16, int64, float32, float64 };

/// An HDF5 file that is built in memory, so that a full disk is met by our own write and not inside
/// HDF5, which cannot close a file it could not flush. Its datasets are contiguous.
class Hdf5Builder {
 public:
  Hdf5Builder();
  ~Hdf5Builder();
  Hdf5Builder(const Hdf5Builder&) = delete;
  Hdf5Builder& operator=(const Hdf5Builder&) = delete;

  /// @param name  with groups, "images/a"; they are made
  /// @returns     where its bytes lie in the file
  std::int64_t add(const std::string& name, Hdf5Type type, const std::vector<std::int64_t>& shape,
                   const void* values);
  /// An attribute of a dataset.
  void annotate(const std::string& name, const std::string& attribute, double value);
  std::vector<char> bytes() const;

 private:
  std::int64_t file_;
};

/// The values of a dataset in row-major order. They throw DataError naming the file.
std::vector<std::int64_t> read_integers(const std::filesystem::path& file, const std::string& name);
std::vector<double> read_numbers(const std::filesystem::path& file, const std::string& name);

}  // namespace covector::datasets
