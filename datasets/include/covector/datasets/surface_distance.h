#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

namespace covector::datasets {

/// Distances between the surfaces of two masks. Nothing, with the reason in `note`, where a mask is
/// empty: there is no surface to measure from.
struct SurfaceDistances {
  std::optional<double> hausdorff;     // HD
  std::optional<double> hausdorff_95;  // HD95
  std::optional<double> average;       // ASSD
  std::string unit;                    // "mm", or "voxel" where no spacing is known
  std::string note;                    // "prediction is empty", "truth is empty", "both are empty"
};

/// The surface of a mask is its voxels with a neighbour across a face (4 in 2D, 6 in 3D) outside
/// it; beyond the border of the image counts as outside. d(a, B) is the Euclidean distance from the
/// centre of surface voxel a to the nearest centre of a surface voxel of B.
///
///   HD   = max over both directions of max d
///   HD95 = max over both directions of the 95th percentile of d, linear between order statistics
///   ASSD = mean of d over the surface voxels of both
///
/// as MONAI computes them (HausdorffDistanceMetric, and SurfaceDistanceMetric with symmetric =
/// true). medpy's hd95 instead takes one percentile over the distances of both directions together,
/// and its assd the mean of the two directed means.
/// @param prediction, truth  boolean [H, W] or [D, H, W], same shape
/// @param spacing_mm         in tensor order; empty where unknown
/// @throws std::invalid_argument when the shapes disagree
COVECTOR_API SurfaceDistances surface_distances(const at::Tensor& prediction,
                                                const at::Tensor& truth,
                                                const std::vector<double>& spacing_mm);

}  // namespace covector::datasets
