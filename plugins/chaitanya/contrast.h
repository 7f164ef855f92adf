#pragma once

#include <ATen/core/Tensor.h>

namespace covector::chaitanya {

/// Contrast of the same region in two maps with other regions of both.
///
///   l(a, b) = -log( e^{<a, b>/t} / (e^{<a, b>/t} + sum_{n in N(a)} e^{<a, n>/t}) )
///
/// For anchor r of the first map, b is region r of the second and N(a) are the negatives of r in
/// both maps; the other way round likewise. Float32 or wider, also under autocast.
/// @param first, second  [N, regions, C] unit rows
/// @param negatives      [anchors, k] int64, positions among the regions; regions 0 .. anchors - 1
///                       are the anchors
/// @returns              [N, anchors, 2]: first to second, second to first
/// @throws               std::invalid_argument when the shapes disagree
/// Source: K. Chaitanya et al., NeurIPS 2020, eq. 3.
at::Tensor region_contrast(const at::Tensor& first, const at::Tensor& second,
                           const at::Tensor& negatives, double temperature);

/// Contrast of every pair of rows with the rows of other partitions.
///
///   l(a, b) = -log( e^{<a, b>/t} / (e^{<a, b>/t} + sum_{n: p(n) != p(a)} e^{<a, n>/t}) )
///
/// @param rows                  [n, C] unit rows
/// @param partition             [n]
/// @param more, more_partition  [m, C] unit rows that are negatives alone, without gradient, and
///                              [m]; may be undefined
/// @returns                     [n, n]; l(a, b) at (a, b)
/// @throws                      std::invalid_argument when the shapes disagree
/// Source: as above, eq. 1 and 2 (G^D).
at::Tensor partition_contrast(const at::Tensor& rows, const at::Tensor& partition,
                              double temperature, const at::Tensor& more = {},
                              const at::Tensor& more_partition = {});

/// Which pairs of 2n rows are positives, n samples in each of two views, those of the first view
/// first: the two views of a sample, and two samples in one view, where the partition is the same.
/// @param partition  [2n]
/// @returns          [2n, 2n] boolean
at::Tensor partition_pairs(const at::Tensor& partition);

}  // namespace covector::chaitanya
