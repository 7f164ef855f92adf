#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

namespace covector::networks {

/// What a vector embedding unit finds, one entry a group.
struct VectorEmbedding {
  at::Tensor vectors;         // [N, groups, d, *size] expected offset in voxels, tensor-axis order
  at::Tensor largest_weight;  // [N, groups, *size] in (0, 1], without gradient; 1: one key took all
};

/// The vector embedding unit (VEU): where in a neighbourhood of the same place the keys look like
/// the query.
///
///   l(o) = <query(p), key(p + o)> / sqrt(head_dim)   over the (2 radius + 1)^d offsets o
///   l(o) = -1000                                     where p + o is outside the grid
///   v(p) = sum_o softmax(l)(o) o
///
/// The channels are `groups` units side by side, head_dim = C / groups channels each, channel c
/// belonging to unit c mod groups.
///
/// @param query, key  [N, C, H, W] or [N, C, D, H, W], floating point, same shape and device.
///                    Computed in float64 when either is float64, else in float32.
/// @param radius      of the neighbourhood in voxels, at least 1
/// @param groups      divides C
/// @throws std::invalid_argument when one of these does not hold
/// Source: Y. He, S. Li, Vector Contrastive Learning, ICCV 2025; YutingHe-list/COVER (f5e6dd0),
/// models/cover.py, MoV2D and MoV3D.
COVECTOR_API VectorEmbedding vector_embedding_groups(const at::Tensor& query, const at::Tensor& key,
                                                     std::int64_t radius, std::int64_t groups);

/// The mean of the groups' vectors, [N, d, *size]: multi-vector integration (MVI).
COVECTOR_API at::Tensor vector_embedding(const at::Tensor& query, const at::Tensor& key,
                                         std::int64_t radius, std::int64_t groups);

}  // namespace covector::networks
