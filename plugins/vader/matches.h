#pragma once

#include "covector/core/spatial_map.h"

#include <ATen/core/Generator.h>

#include <optional>

namespace covector::vader {

/// Places that two views show, `count` a sample.
struct Matches {
  at::Tensor voxel;     // [N, count] int64: voxel of the first view, last axis fastest
  at::Tensor position;  // [N, d, count] where the second view shows it, in voxels, between 0 and
                        // side - 1, float64; the nearest such place where `valid` is false
  at::Tensor valid;     // [N, count] boolean: whether both views show it
};

/// Draws matches at random, each voxel at most once: among the voxels of the first view that the
/// second shows, 0 <= position <= side - 1 on every axis (to 1e-6, for rounding); and among those
/// of them that are foreground, in samples where there are `count` or more. In a sample with fewer
/// than `count` voxels that both views show, all of them are valid and the rest is not.
///
/// Nothing is read on the host.
/// @param first, second  maps of the views into the same source
/// @param foreground     [N, 1, *first.size()] boolean
/// @param generator      LibTorch's default one where there is none
/// @throws               std::invalid_argument when a shape disagrees, or the view has fewer than
///                       `count` voxels
Matches draw_matches(const SpatialMap& first, const SpatialMap& second,
                     const at::Tensor& foreground, std::int64_t count,
                     std::optional<at::Generator> generator = {});

/// Where the second view shows each voxel of the first: [N, d, *first.size()] float64 voxels.
at::Tensor positions_in(const SpatialMap& second, const SpatialMap& first,
                        const at::Device& device);
/// Which of these lie in the second view: [N, 1, *first.size()] boolean.
at::Tensor shown_in(const SpatialMap& second, const at::Tensor& positions);

/// A map read at the voxels of the first view: [N, C, *size] -> [N count, C].
at::Tensor at_voxels(const at::Tensor& map, const Matches& matches);
/// A map read at the positions in the second view, linearly: [N, C, *size] -> [N count, C].
at::Tensor at_positions(const at::Tensor& map, const Matches& matches);

}  // namespace covector::vader
