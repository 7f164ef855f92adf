#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

#include <optional>

namespace covector::losses {

/// How far features of neighbouring pixels lie apart: scalars float32 on the device of the
/// features. A measure over no pair at all (no boundary in the batch) is NaN.
struct NeighbourDistance {
  at::Tensor mean;
  at::Tensor p99;  // 99th percentile, linear between ranks
};

/// Distances between neighbours: over all pairs and, where labels exist, over the pairs that share
/// a label and those that a boundary separates.
struct OverDispersion {
  NeighbourDistance all;
  std::optional<NeighbourDistance> within;
  std::optional<NeighbourDistance> across;
};

/// Dispersion of neighbouring features.
///
///   d(p, q) = 1 - <f(p), f(q)> / (max(|f(p)|, eps) max(|f(q)|, eps)),  eps = 1e-12
///
/// for pixels p, q one step apart along one axis (4 neighbours in 2D, 6 in 3D). A pretraining that
/// spreads neighbours apart although they belong to one structure is over-dispersed. Nothing is
/// read on the host.
/// @param features   [N, C, *size] floating point, the finest of a pyramid
/// @param labels     [N, 1, *size] int64
/// @param max_pairs  at most so many pairs an axis are looked at; the same, evenly spread ones for
///                   the same shape
/// @throws           std::invalid_argument when the shapes disagree or no axis has two pixels
/// Source: Y. He, S. Li, COVER, ICCV 2025, appendix A, which bounds the largest such distance; the
/// mean and the percentile are the measurable form of it.
COVECTOR_API OverDispersion over_dispersion(const at::Tensor& features,
                                            const std::optional<at::Tensor>& labels = {},
                                            std::int64_t max_pairs = 1 << 14);

/// Effective rank of the features of a batch: how many directions they spread over.
///
///   erank = exp(-sum_k p_k log p_k),  p_k = s_k / sum_j s_j
///
/// with s the singular values of the matrix whose rows are the features, less their mean. Between 1
/// and C; 0 when all features are equal.
/// @param features       [N, C, *size] floating point
/// @param max_positions  at most so many pixels, evenly spread over the batch
/// @returns              scalar float32 on the device of the features
/// Source: O. Roy, M. Vetterli, The effective rank: a measure of effective dimensionality, EUSIPCO
/// 2007. Departure: the mean is taken off first; a shared offset is no direction of spread.
COVECTOR_API at::Tensor effective_rank(const at::Tensor& features,
                                       std::int64_t max_positions = 1 << 12);

}  // namespace covector::losses
