#pragma once

#include "covector/core/schema.h"
#include "covector/core/transform.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace covector::transforms {

/// The map that shows a window of a grid on a grid of another size, corner voxels on corner voxels:
///
///   q_axis(p) = begin + p (window - 1) / (size - 1),   or the window's middle where size = 1
///
/// Nothing is smoothed before a window is shrunk.
/// @param begin, window  [N, d] float64 on the CPU: first voxel and number of voxels
/// @param size           the output grid, d numbers
/// @throws               std::invalid_argument when a shape disagrees
COVECTOR_API SpatialMap window_map(const at::Tensor& begin, const at::Tensor& window,
                                   std::vector<std::int64_t> size);

/// Sides of a window that covers a share of a grid.
///
///   2D: height = sqrt(share H W / aspect), width = sqrt(share H W aspect), aspect = width / height
///   3D: side_axis = size_axis share^(1/3) a_axis / (a_D a_H a_W)^(1/3)
///
/// rounded to whole voxels. A side may come out longer than the grid.
/// @param aspect  1 number in 2D, 3 in 3D
/// Source: torchvision's RandomResizedCrop (2D); the 3D form keeps the shape of the grid.
COVECTOR_API std::vector<std::int64_t> window_sides(const std::vector<std::int64_t>& size,
                                                    double share,
                                                    const std::vector<double>& aspect);

struct COVECTOR_API CropOptions {
  std::vector<std::int64_t> size = {384};
  std::optional<std::vector<std::int64_t>> resize;

  static void describe(Schema<CropOptions>& schema);
};

/// A random window, uniform over all that lie inside the view. Acts on every sample.
class COVECTOR_API Crop final : public Transform {
 public:
  explicit Crop(const CropOptions& options);
  /// Throws RecipeError when the window is larger than the view.
  void apply(View& view, Draws& draws) const override;

 private:
  CropOptions options_;
};

struct COVECTOR_API ResizeOptions {
  std::vector<std::int64_t> size = {384};

  static void describe(Schema<ResizeOptions>& schema);
};

/// Stretches the view to a size. Acts on every sample.
class COVECTOR_API Resize final : public Transform {
 public:
  explicit Resize(const ResizeOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  ResizeOptions options_;
};

struct COVECTOR_API RandomResizedCropOptions {
  std::vector<std::int64_t> size = {384};
  std::vector<double> scale = {0.2, 1.0};
  std::string scale_of = "volume";
  std::vector<double> ratio = {3.0 / 4, 4.0 / 3};
  std::optional<double> anchor;
  std::int64_t window = 0;

  static void describe(Schema<RandomResizedCropOptions>& schema);
};

/// A random window of random share and shape, stretched to a size. Samples it is not applied to are
/// stretched whole.
///
/// With an anchor, views that share their draws ("shared = true") and take different windows of
/// them have a voxel of the foreground in common. Looking for the foreground waits for the device.
class COVECTOR_API RandomResizedCrop final : public Transform {
 public:
  explicit RandomResizedCrop(const RandomResizedCropOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  RandomResizedCropOptions options_;
};

}  // namespace covector::transforms
