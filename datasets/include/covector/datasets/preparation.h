#pragma once

#include "covector/core/schema.h"
#include "covector/datasets/image.h"

#include <optional>
#include <string>
#include <vector>

namespace covector::datasets {

/// How an image of a file becomes the image a network sees; the sub-table `prepare` of every
/// dataset.
///
/// In this order:
/// 1. orientation: axes permuted and flipped to the patient's, see to_patient_axes()
/// 2. channels: see `colour`
/// 3. intensity, from the stored values of the whole image, to [0, 1] except for "none"
/// 4. crop: to the smallest box that holds every voxel stored above 0 in some channel
/// 5. spacing: resampled to spacing_mm
/// 6. size: stretched, or cropped or padded about the centre
/// Images are interpolated linearly; where voxels get larger, over the width of the new voxel, so
/// that no detail is stepped over. Labels take the nearest voxel. Grids keep the outer border of
/// the image (voxel edges meet, not voxel centres), and the geometry follows: a structure stays
/// where it was, in millimetres. Padding is 0 and background.
struct COVECTOR_API Preparation {
  std::string orientation = "stored";
  std::string intensity = "unit";
  std::vector<double> window;
  std::vector<double> percentiles{0.5, 99.5};
  std::string crop = "none";
  std::vector<double> spacing_mm;
  std::vector<std::int64_t> size;
  std::string fit = "stretch";
  std::string colour = "green";

  static void describe(Schema<Preparation>& schema);
};

struct Prepared {
  at::Tensor image;                 // [C, (D,) H, W] float32
  std::optional<at::Tensor> label;  // [1, (D,) H, W] int64
  Geometry geometry;                // of both
};

/// @param label     [1, ...] integer on the grid of the image
/// @param channels  1 or 3; see Preparation::colour
/// @param path      named in errors
/// @throws DataError when the image has channels that cannot become `channels`, when spacing_mm or
///   orientation is asked of a file that names none, when there is no foreground to crop to, or
///   when spacing_mm or size has another number of axes than the image
COVECTOR_API Prepared prepare(const Preparation& preparation, const Image& image,
                              const std::optional<at::Tensor>& label, std::int64_t channels,
                              const std::filesystem::path& path);

/// Pixels as `channels` channels, in their own type:
/// gray to 3 copies it; RGB to 1 takes the green channel, in which fundus vessels show best, or
/// "luma", 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601); an alpha channel is dropped.
COVECTOR_API at::Tensor with_channels(const at::Tensor& pixels, std::int64_t channels,
                                      const std::string& colour, const std::filesystem::path& path);

}  // namespace covector::datasets
