#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace covector::datasets::io {

enum class PixelType { uint8, int8, uint16, int16, uint32, int32, uint64, int64, float32, float64 };

/// An image between the file libraries and torch. No ITK, DCMTK or torch type appears here, so that
/// a source never has to compile more than one of them.
struct RawImage {
  std::string format;       // "NIfTI", "PNG", "DICOM", ...
  std::string stored_type;  // the file's own type, before any rescaling
  std::string photometric;  // DICOM's words: MONOCHROME2, RGB, PALETTE COLOR
  std::int64_t bits_stored = 0;
  std::int64_t frames = 1;
  std::string orientation;  // of a 2D image whose file names one; a volume's follows from direction

  PixelType type = PixelType::uint8;
  std::int64_t components = 1;
  std::vector<std::int64_t> size;  // (D,) H, W
  bool planar = false;             // components first in `pixels`, else last
  std::vector<std::byte> pixels;   // [(D,) H, W, components]; empty when only the header was read

  // As covector::Geometry, all three empty when the file names no spacing.
  std::vector<double> spacing_mm;
  std::vector<double> origin_mm;
  std::vector<double> direction;

  std::int64_t voxels() const {
    std::int64_t count = 1;
    for (const auto side : size) count *= side;
    return count;
  }
};

enum class Pixels { read, skip };
enum class Palette { expand, indices };

std::size_t bytes_of(PixelType type);
std::string_view name_of(PixelType type);

/// NIfTI, MetaImage, NRRD, PNG, JPEG, TIFF, through ITK. Throws DataError.
RawImage read_with_itk(const std::filesystem::path& path, Pixels pixels, Palette palette);
/// A GIF of one picture, which ITK does not read, through giflib: indices of its table of colours,
/// or the colours, one component where all of them are gray. Throws DataError.
RawImage read_gif(const std::filesystem::path& path, Pixels pixels, Palette palette);
/// NIfTI, MetaImage, NRRD, PNG by the file's extension. Throws DataError.
void write_with_itk(const RawImage& image, const std::filesystem::path& path);
/// One DICOM file, single or multi-frame, through DCMTK. Throws DataError.
RawImage read_dicom_file(const std::filesystem::path& path);
/// A folder with the slices of one DICOM series. Throws DataError.
RawImage read_dicom_series(const std::filesystem::path& folder);
/// Exact Euclidean distance of each voxel to the nearest non-zero voxel of `mask`.
/// @param size     (D,) H, W
/// @param spacing  of those axes
std::vector<double> distance_to(const std::vector<std::uint8_t>& mask,
                                const std::vector<std::int64_t>& size,
                                const std::vector<double>& spacing);

}  // namespace covector::datasets::io
