#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

namespace covector::losses {

/// Rows of unit length: x / max(|x|, 1e-12) along an axis. Half precision becomes float32.
COVECTOR_API at::Tensor unit(const at::Tensor& x, std::int64_t axis = 1);

/// InfoNCE of each query against its key and a set of negatives.
///
///   l_i = -log( e^{q_i k_i / t} / (e^{q_i k_i / t} + sum_n e^{q_i n / t}) )
///
/// Keeps one matrix [n, m] for the gradient. Computed in float32 or wider, also under autocast (so
/// are all functions here).
/// @param queries, keys  [n, width] unit rows; no gradient goes into keys or negatives
/// @param negatives      [m, width] unit rows
/// @returns              [n]
/// @throws               std::invalid_argument when the shapes disagree (so for all functions here)
/// Source: K. He et al., Momentum Contrast, CVPR 2020.
COVECTOR_API at::Tensor info_nce(const at::Tensor& queries, const at::Tensor& keys,
                                 const at::Tensor& negatives, double temperature);
/// Share of the queries that are closer to their key than to every negative: scalar.
COVECTOR_API at::Tensor info_nce_accuracy(const at::Tensor& queries, const at::Tensor& keys,
                                          const at::Tensor& negatives);

/// NT-Xent over two views of n samples: each of the 2n rows against all others.
///
///   l_a = -s_ab / t + log sum_{c != a} e^{s_ac / t},   b the other view of a
///
/// @param first, second  [n, width] unit rows; the gradient flows into all
/// @param more           [m, width] unit rows that are negatives of all, without gradient; may be
///                       undefined
/// @returns              [2n], the rows of `first`, then those of `second`
/// Source: T. Chen et al., SimCLR, ICML 2020.
COVECTOR_API at::Tensor nt_xent(const at::Tensor& first, const at::Tensor& second,
                                double temperature, const at::Tensor& more = {});
/// Share of the 2n rows whose closest other row (of equal ones the first) is their partner: scalar.
COVECTOR_API at::Tensor nt_xent_accuracy(const at::Tensor& first, const at::Tensor& second);

/// Cosine of each row of p with the same row of z, into which no gradient flows: [n].
/// SimSiam's loss is its negative, BYOL's is 2 - 2 cos.
COVECTOR_API at::Tensor cosine_to(const at::Tensor& p, const at::Tensor& z);

/// Contrast among labelled rows (supervised contrastive form).
///
///   l_a = -1/|P_a| sum_{p in P_a} log softmax_keys(q_a k / t)_p,   P_a = keys with the label of a
///
/// @param queries  [n, width] unit rows, labels [n]; keys [m, width] unit rows without gradient,
///                 labels [m]. A row with a negative label takes no part
/// @returns        mean over the queries that have a positive; 0 with zero gradient if none has
/// Source: P. Khosla et al., Supervised Contrastive Learning, NeurIPS 2020.
COVECTOR_API at::Tensor label_contrast(const at::Tensor& queries, const at::Tensor& query_labels,
                                       const at::Tensor& keys, const at::Tensor& key_labels,
                                       double temperature);

}  // namespace covector::losses
