#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace covector::losses {

/// How probable it is that point i picks j as its neighbour, for each pair of points.
///
///   p(j|i) = exp(-b_i |x_i - x_j|^2) / sum_k exp(-b_i |x_i - x_k|^2),  p(i|i) = 0
///
/// with b_i such that the perplexity 2^H_i, H_i = -sum_j p(j|i) log2 p(j|i), is the one asked for;
/// found by bisection until H_i is within 1e-10. A point with more equal copies of itself than the
/// perplexity cannot reach it and picks among these evenly.
///
/// @param points      [n, width] floating point, n > 2
/// @param perplexity  more than 1 and less than n - 1
/// @returns           [n, n] float64, rows sum to 1
/// @throws            std::invalid_argument for another shape or perplexity
/// Source: L. van der Maaten, G. Hinton, Visualizing Data using t-SNE, JMLR 9, 2008, eq. 1.
COVECTOR_API at::Tensor neighbour_probabilities(const at::Tensor& points, double perplexity);

/// Those of pairs: P = (p(j|i) + p(i|j)) / 2n. [n, n] float64, symmetric, sum 1 (section 3.1
/// there).
COVECTOR_API at::Tensor joint_probabilities(const at::Tensor& conditional);

/// How much a map of the points tells other neighbours than they have, and the gradient of that.
///
///   KL = sum_ij P_ij log(P_ij / Q_ij),  Q_ij = w_ij / sum_kl w_kl,  w_ij = 1 / (1 + |y_i - y_j|^2)
///   dKL / dy_i = 4 sum_j (P_ij - Q_ij) w_ij (y_i - y_j)
///
/// (eq. 4 and 5 there). Pairs with P_ij = 0 add nothing.
struct Divergence {
  double value;         // in nats
  at::Tensor gradient;  // [n, d]
};
/// @param joint  [n, n] float64
/// @param map    [n, d] float64
COVECTOR_API Divergence map_divergence(const at::Tensor& joint, const at::Tensor& map);

struct TsneOptions {
  double perplexity = 30;
  std::int64_t steps = 1000;
};
struct TsneMap {
  at::Tensor points;  // [n, 2] float64
  double divergence;
};

/// t-SNE of points in the plane, exact: every pair is looked at, so that time and memory grow with
/// n^2.
///
/// It starts at the first two principal components, scaled to a standard deviation of 1e-4 along
/// the first, each pointing so that its largest number is positive. Gradient descent with momentum
/// 0.5 for 250 steps, in which P is 12 times as large (early exaggeration), then 0.8; every
/// coordinate has a gain, + 0.2 where gradient and movement point apart, x 0.8 where not, at least
/// 0.01. The rate is max(n / 48, 50).
/// Nothing is drawn at random: the same points give the same map.
///
/// Source: as above, section 3.4; numbers of A. C. Belkina et al., Nature Communications 10, 2019
/// (rate and exaggeration) and D. Kobak, P. Berens, Nature Communications 10, 2019 (the start), as
/// scikit-learn's TSNE(method="exact", init="pca", learning_rate="auto") has them.
COVECTOR_API TsneMap tsne(const at::Tensor& points, const TsneOptions& options = {});

}  // namespace covector::losses
