#pragma once

#include "covector/core/spatial_map.h"

#include <cstdint>

namespace covector::transforms {

/// A view divided into equal cells along every axis, and where they lie in the source.
struct CellGrid {
  at::Tensor centres;   // [N, cells^d, d] float64 voxels of the source, last axis fastest
  at::Tensor diagonal;  // [N] float64 voxels, of one cell: root of the sum of its squared sides
};

/// Cell u of an axis of n voxels has its centre at the view's coordinate (u + 1/2) (n - 1) / cells.
/// Source: the coordinates of PixPro and SetSim, in voxels instead of shares of the image, so that
/// images with unequal sides keep their proportions.
/// Throws std::invalid_argument below one cell an axis.
COVECTOR_API CellGrid cell_grid(const SpatialMap& view, std::int64_t cells);

/// Distance between the centres of cells of two views over the longer of their diagonals:
/// [N, cells^d, cells^d] float64. PixPro's and SetSim's positives are those below a threshold.
/// Throws std::invalid_argument when the views have different batches or dimensions.
COVECTOR_API at::Tensor cell_distance(const CellGrid& first, const CellGrid& second);

}  // namespace covector::transforms
