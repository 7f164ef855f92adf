#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

namespace covector::networks {

/// Cosine of every row of a with every row of b of the same sample, without gradient; norms are
/// kept above 1e-12. Half precision becomes float32.
/// @param a  [N, n, C]
/// @param b  [N, m, C]
/// @returns  [N, n, m]
/// @throws   std::invalid_argument when the shapes disagree
COVECTOR_API at::Tensor cosines(const at::Tensor& a, const at::Tensor& b);

/// The rows of b with the largest cosine to each row of a, the largest first; of equal ones the
/// lowest comes first.
/// @returns  [N, n, count] int64, positions among the m rows
/// @throws   std::invalid_argument when b has fewer rows than `count`
COVECTOR_API at::Tensor nearest_rows(const at::Tensor& a, const at::Tensor& b,
                                     std::int64_t count = 1);

/// Rows of each sample by position: out[s, i] = rows[s, index[s, i]].
/// @param rows   [N, m, C]
/// @param index  [N, n] int64
/// @returns      [N, n, C]
COVECTOR_API at::Tensor take_rows(const at::Tensor& rows, const at::Tensor& index);

}  // namespace covector::networks
