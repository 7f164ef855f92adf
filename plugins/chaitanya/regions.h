#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace covector::chaitanya {

/// Places of a map that the local loss compares: regions of 3 voxels along every axis, named by
/// their first voxel, on a lattice of side - 4 voxels. Anchors come first; the others only serve
/// as negatives.
///
/// 2D: 13 anchors, at {0, 1/2, 1}^2 and {1/4, 3/4}^2 of the lattice, each with the 5 negatives that
/// the authors list, among them 4 places that are no anchors. 3D: 35 anchors, at {0, 1/2, 1}^3 and
/// {1/4, 3/4}^3, each with the 8 other anchors that lie nearest (of equal ones the first).
/// Source: K. Chaitanya et al., NeurIPS 2020; code krishnabits001/domain_specific_cl. side - 3
/// would use the last row as well; side - 4 is the code's. 3D is this project's.
struct Regions {
  at::Tensor corners;    // [regions, d] int64 voxels
  at::Tensor negatives;  // [anchors, k] int64, positions among the regions
};

/// Below this side of a map places would coincide.
inline constexpr std::int64_t kLeastSide = 8;

/// @param size  of the map, 2 or 3 numbers
/// @throws      std::invalid_argument when a side is below kLeastSide
Regions regions_of(const std::vector<std::int64_t>& size);

/// The voxels of every region side by side: [N, C, *size] -> [N, regions, C 3^d].
/// @param corners  [regions, d] int64 on the CPU
at::Tensor cut(const at::Tensor& map, const at::Tensor& corners);

}  // namespace covector::chaitanya
