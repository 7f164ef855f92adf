#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

namespace covector::losses {

/// How near a set of embeddings is to one point or one line: float64 scalars on the device of the
/// rows.
struct Collapse {
  at::Tensor std;             // mean over dimensions of the standard deviation (n - 1)
  at::Tensor level;           // max(0, 1 - sqrt(width) std): 0 spread evenly, 1 all equal
  at::Tensor uniformity;      // log of the mean over pairs i < j of exp(-2 |z_i - z_j|^2)
  at::Tensor effective_rank;  // exp of the entropy of the singular values over their sum; not
                              // centred
  at::Tensor alignment;       // mean of |first_i - second_i|^2; undefined without a second view
};

/// The collapse monitors of a set of embeddings, after scaling every row to unit length.
/// @param first   [n, width], n > 1. At most 1024 rows, evenly spread, are looked at
/// @param second  the same rows as another view shows them, or undefined
/// @throws        std::invalid_argument when the shapes disagree or there are fewer than 2 rows
/// Source: T. Wang, P. Isola, Understanding Contrastive Representation Learning through Alignment
/// and Uniformity, ICML 2020; O. Roy, M. Vetterli, The effective rank, EUSIPCO 2007 (not centred
/// here); X. Chen, K. He, SimSiam, CVPR 2021 (the standard deviation).
COVECTOR_API Collapse collapse(const at::Tensor& first, const at::Tensor& second = {});

}  // namespace covector::losses
