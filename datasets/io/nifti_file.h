#pragma once

#include "raw_image.h"
#include "unpack.h"

#include <array>
#include <optional>

namespace covector::datasets::io {

/// The fields of a NIfTI-1 header that say what its voxels are, in either byte order.
/// https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h
class NiftiHeader {
 public:
  static constexpr std::size_t kBytes = 348;

  /// Throws std::runtime_error when it is no header, or one that ITK must not see: no sides, an
  /// unknown type, a placement that is no finite number of a sensible size.
  explicit NiftiHeader(const std::array<char, kBytes>& bytes);

  /// Bytes of the unpacked file up to the first and behind the last voxel.
  std::uint64_t start() const { return start_; }
  std::uint64_t length() const;
  /// Whether the voxels are single real numbers in at most four axes; then of this type.
  std::optional<PixelType> plain_type() const;
  bool swapped() const { return swapped_; }
  /// Of the values; nothing where they are as stored.
  std::optional<std::pair<double, double>> slope_and_intercept() const;

 private:
  template <class Value>
  Value value(std::size_t at) const;
  std::uint64_t voxels() const;
  void check_placement() const;

  std::array<char, kBytes> bytes_;
  bool swapped_ = false;
  int type_ = 0;
  std::uint64_t start_ = 0;
};

/// A NIfTI-1 file, packed or not, whose header makes sense and which is as long as it says.
class NiftiFile {
 public:
  /// Throws std::runtime_error.
  explicit NiftiFile(const std::filesystem::path& path);

  const NiftiHeader& header() const { return *header_; }
  /// Unpacks it all and throws std::runtime_error where that gives fewer bytes than the header
  /// says. ITK's reader would fill them with zeros.
  void check_whole() const;
  /// Takes the voxels of a plain_type() in file order, rescaled to float32 (float64 where it is the
  /// stored type) where the header says so. Throws std::runtime_error.
  void read_voxels(RawImage& image) const;

 private:
  std::filesystem::path path_;
  bool packed_ = false;
  std::optional<NiftiHeader> header_;
};

}  // namespace covector::datasets::io
