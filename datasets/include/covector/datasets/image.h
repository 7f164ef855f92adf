#pragma once

#include "covector/core/sample.h"
#include "covector/core/spatial_map.h"

#include <filesystem>
#include <string>
#include <vector>

namespace covector::datasets {

/// What a file says about its image beside pixels and placement.
struct ImageInfo {
  std::string format;  // "NIfTI", "MetaImage", "NRRD", "PNG", "JPEG", "TIFF", "GIF", "DICOM", ...
  std::string stored_type;       // the file's own type: "int16", "uint8", "1 bit"
  std::int64_t bits_stored = 0;  // of DICOM, where it may be less than the type holds; else 0
  std::int64_t frames = 1;       // images in a multi-frame DICOM file, slices of a series
  std::string photometric;       // DICOM's words for the colours
  /// Patient axes towards which the first, second (and third) array index (x, y, z) grows: L or R,
  /// A or P, S or I. "LPS" is a volume whose direction is the identity. Empty when unknown.
  std::string orientation;
};

/// An image as read from a file.
struct Image {
  /// [C, H, W] or [C, D, H, W] in the stored type, or float32 where the file names a rescale slope
  /// or intercept that is not the identity: the values are then slope * stored + intercept.
  at::Tensor pixels;
  /// Its three vectors are empty when the file names no spacing.
  Geometry geometry;
  ImageInfo info;

  std::int64_t dimensions() const { return pixels.dim() - 1; }
  /// Spatial size, (D,) H, W.
  std::vector<std::int64_t> size() const { return pixels.sizes().slice(1).vec(); }
};

/// How an indexed-colour PNG or GIF is read: as the colours, or as the indices (label masks).
enum class Palette { colours, indices };

/// Reads NIfTI (.nii .nii.gz), MetaImage (.mha .mhd), NRRD (.nrrd .nhdr), PNG, JPEG, TIFF, GIF, a
/// DICOM file, or a folder that holds one DICOM series. Thread-safe.
///
/// - A fourth axis of a NIfTI becomes the channels. Gray PNGs of 1, 2, 4 bits are widened to 0 ..
/// 255.
/// - DICOM: bits above the stored ones are dropped and the sign extended; MONOCHROME1 is mirrored
/// over
///   the range of the stored bits, v -> 2^bits - 1 - v (signed: -1 - v), so that bright means
///   bright; slope and intercept, also per frame, are applied; YBR_FULL becomes RGB. Frames or
///   slices with regular positions become a volume ordered along the slice normal. Frames without
///   keep their order and have no geometry. A single slice has its pixel spacing, and origin 0.
/// @throws DataError with the path, the cause and what to do: missing, unknown format, truncated,
///   damaged, no pixel data, more than one series, missing or doubled slices, gantry tilt
COVECTOR_API Image read_image(const std::filesystem::path& path,
                              Palette palette = Palette::colours);
/// As read_image(), with pixels that have the right shape and type but no memory of their own (all
/// zero), where the format allows reading the header alone.
COVECTOR_API Image read_header(const std::filesystem::path& path);

/// Writes .nii .nii.gz .mha .mhd .nrrd .nhdr with geometry, or .png (uint8, uint16; 1 or 3
/// channels, 2D; geometry is lost). A missing geometry is written as spacing 1. Throws DataError.
COVECTOR_API void write_image(const Image& image, const std::filesystem::path& path);
/// @param picture  uint8 [1, H, W] gray or [3, H, W] RGB
COVECTOR_API void write_png(const at::Tensor& picture, const std::filesystem::path& path);

/// The image with as many dimensions: a volume of a single slice becomes 2D with the placement
/// inside its plane. Throws DataError naming `path` for any other change.
COVECTOR_API Image as_dimensions(Image image, std::int64_t dimensions,
                                 const std::filesystem::path& path);

/// The file's name without folder and image extension: "scans/case.nii.gz" -> "case".
COVECTOR_API std::string image_stem(const std::filesystem::path& path);
/// Whether the name ends like an image file that read_image() knows.
COVECTOR_API bool has_image_name(const std::filesystem::path& path);

}  // namespace covector::datasets
