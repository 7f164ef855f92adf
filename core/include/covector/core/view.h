#pragma once

#include "covector/core/sample.h"
#include "covector/core/spatial_map.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace covector {

/// An augmented copy of a batch that knows where in the batch each of its voxels came from.
///
/// Spatial transforms only compose maps; pixels are resampled once, when someone looks at them. A
/// chain of rotation, crop and flip therefore interpolates a single time, and a whole-voxel crop is
/// a slice.
class COVECTOR_API View {
 public:
  explicit View(Batch source);
  /// The view of samples that nothing was read of yet. A chain of crops, mirror images and quarter
  /// turns converts only the voxels it shows. Throws DataError naming two samples that differ in
  /// shape, or of which one alone has a label or class.
  explicit View(Samples source);

  std::int64_t batch() const { return map_.batch(); }
  std::int64_t dimensions() const { return map_.dimensions(); }
  /// Spatial size of the view as it is now.
  const std::vector<std::int64_t>& size() const { return map_.size(); }
  /// Where each voxel of the view lies in the source batch.
  /// Throws RecipeError once the view was deformed: no affine map tells that.
  const SpatialMap& map() const;

  /// From now on voxel p of the view shows what voxel step(p) shows so far. `released` resamples at
  /// once, with that convention's positions, while map() keeps the true ones.
  void resample(const SpatialMap& step, GridConvention convention = GridConvention::paper);
  /// From now on voxel p shows what voxel p + displacement(p) shows so far, zero outside. Pixels,
  /// labels and marks are resampled at once.
  /// @param displacement  [N, d, *size] voxels, tensor-axis order
  /// @throws              std::invalid_argument for another shape
  void deform(const at::Tensor& displacement);
  /// [N, C, *size], zero outside the source.
  const at::Tensor& image();
  /// New pixel values on the same grid. Throws std::invalid_argument for another shape.
  void set_image(at::Tensor image);
  /// [N, 1, *size] int64, nearest voxel, 0 outside the source; nothing when the source has no
  /// labels.
  std::optional<at::Tensor> label();
  /// [N] int64: the class of each image as a whole, where the source has them.
  const std::optional<at::Tensor>& image_class() const { return source_.image_class; }
  /// Notes that these voxels were overwritten: [N, 1, *size] boolean, added to those noted before.
  void mark(const at::Tensor& where);
  /// [N, 1, *size] boolean on the device of the image: every voxel that mark() was told of.
  at::Tensor marked() const;
  const std::vector<std::string>& ids() const { return source_.ids; }
  /// Of each sample among the training images; see Batch.
  const std::vector<std::int64_t>& positions() const { return source_.positions; }

 private:
  at::Tensor read_pixels() const;
  at::Tensor read_label() const;

  Batch source_;      // of its tensors, the label and the classes
  Samples samples_;   // in place of a stacked image, and of the label until that is deformed
  at::Tensor image_;  // pixels so far, on the grid that pending_ reads; undefined before samples_
                      // are read
  std::optional<SpatialMap> pending_;
  SpatialMap map_;  // to the grid of the source's label, which a deformation renews
  bool deformed_ = false;
  at::Tensor marked_;  // on the grid of the view; undefined while nothing is marked
};

/// The views of one step by name.
using Views = std::map<std::string, View>;

}  // namespace covector
