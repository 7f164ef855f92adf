#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

namespace covector::losses {

/// How much the negatives pull at each query: log sum_n e^{q n / t}. Float32 under autocast too.
/// @param queries    [N, n, width] unit rows
/// @param negatives  [m, width] unit rows, without gradient
/// @returns          [N, n]
/// @throws           std::invalid_argument when the shapes disagree (so for all functions here)
COVECTOR_API at::Tensor negative_mass(const at::Tensor& queries, const at::Tensor& negatives,
                                      double temperature);

/// InfoNCE of cells against chosen cells of another view.
///
///   l_ij = -log( e^{q_i k_c / t} / (e^{q_i k_c / t} + sum_n e^{q_i n / t}) ),   c = chosen_ij
///
/// Each positive is alone with the negatives: the others of its query are not in its sum.
/// @param queries    [N, n, width] unit rows
/// @param keys       [N, m, width] unit rows, without gradient
/// @param chosen     [N, n, k] int64: the positives of each query among the m keys of its sample
/// @param negatives  [l, width] unit rows, without gradient
/// @returns          [N, n, k]
/// Source: X. Wang et al., DenseCL, CVPR 2021, eq. 2 (k = 1).
COVECTOR_API at::Tensor cell_nce(const at::Tensor& queries, const at::Tensor& keys,
                                 const at::Tensor& chosen, const at::Tensor& negatives,
                                 double temperature);

/// InfoNCE of cells against a set of cells of another view.
///
///   l_i = 1/|P_i| sum_{j in P_i} [ -q_i k_j / t
///         + log( sum_{j' in P_i} e^{q_i k_j' / t} + sum_n e^{q_i n / t} ) ]
///
/// Keys that are not positives of a query are in neither sum. The mean is taken over the queries
/// of a sample that have a positive, then over samples; 1e-8 is added to both divisors, and a
/// sample without positives counts with 0.
/// @param positive  [N, n, m] boolean: P
/// @returns         scalar
/// Source: Z. Wang et al., SetSim, CVPR 2022; code DerrickWang005/SetSim.pytorch.
COVECTOR_API at::Tensor set_nce(const at::Tensor& queries, const at::Tensor& keys,
                                const at::Tensor& positive, const at::Tensor& negatives,
                                double temperature);

}  // namespace covector::losses
