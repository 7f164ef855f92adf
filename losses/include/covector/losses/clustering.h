#pragma once

#include "covector/core/export.h"
#include "covector/core/random.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace covector::losses {

/// Codes that share rows out evenly among prototypes.
///
///   Q = exp(scores / epsilon), then in turn: prototypes sum to 1 / C, rows to 1 / n;
///   at the end each row sums to 1. Without gradient.
///
/// Worked out on logarithms, so that no score overflows.
/// @param scores      [n, C]; a row of minus infinity takes no part, its code is all zeros
/// @param iterations  at least 1
/// @returns           [n, C] float32 (float64 for float64); empty for no rows
/// Source: M. Caron et al., SwAV, NeurIPS 2020.
COVECTOR_API at::Tensor sinkhorn(const at::Tensor& scores, double epsilon = 0.05,
                                 std::int64_t iterations = 3);

/// Rows less their mean on the `width` leading principal axes, each scaled by
/// 1 / sqrt(eigenvalue + floor * largest eigenvalue), then to unit length (guard 1e-12). Without
/// gradient; the covariance is summed in float64, in chunks of rows.
/// @param rows  [n, C], n > 1
/// @returns     [n, width] float32 (float64 for float64)
/// @throws      std::invalid_argument when width is not within 1 .. min(n, C)
/// Source: M. Caron et al., DeepCluster, ECCV 2018 (floor 0 there, which lets noise through).
COVECTOR_API at::Tensor whitened(const at::Tensor& rows, std::int64_t width, double floor = 1e-5);

struct Clusters {
  at::Tensor labels;     // [n] int64
  at::Tensor centroids;  // [k, C]
  double objective;      // sum of squared distances to the nearest centroid
};

/// k-means by Lloyd's iterations from k random rows. After each update every empty centroid takes a
/// donor's place beside it: donor() and split_centroid() below, and the donor's count is shared
/// equally. Without gradient. Distances are computed in chunks of rows; the same seed gives the
/// same clusters on a device.
/// @param rows  [n, C] floating point
/// @throws      std::invalid_argument when k < 1 or k > n
/// Source: M. Caron et al., DeepCluster, ECCV 2018, with faiss' split of a donor; but faiss looks
/// for donors from cluster 0 on, which favours low numbers.
COVECTOR_API Clusters k_means(const at::Tensor& rows, std::int64_t k, std::uint64_t seed,
                              std::int64_t iterations = 20);
/// Every row with its nearest centroid, of equally near ones the first.
/// @param rows, centroids  [n, C], [k, C] of one type
COVECTOR_API Clusters assign(const at::Tensor& rows, const at::Tensor& centroids);
/// The cluster that gives half its rows to an empty one: drawn with a chance proportional to its
/// count less one. The counts sum to at least their number.
COVECTOR_API std::int64_t donor(const std::vector<double>& counts, RandomStream& random);
/// Two centroids in the place of one [C]: {new, donor}, which are the donor times 1 +- 1/1024, the
/// sign alternating along the dimensions, + first for the new one.
COVECTOR_API std::pair<at::Tensor, at::Tensor> split_centroid(const at::Tensor& donor);

/// Normalised mutual information of two labellings, arithmetic mean of the entropies: 1 for equal
/// partitions, 0 for independent ones and where both are a single cluster.
/// @param a, b  [n] int64
COVECTOR_API double mutual_information(const at::Tensor& a, const at::Tensor& b);

}  // namespace covector::losses
