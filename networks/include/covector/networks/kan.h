#pragma once

#include "covector/core/export.h"

#include <torch/nn/module.h>

namespace covector::networks {

/// Knots of cubic splines over five intervals of [-1, 1] and three more on each side:
/// 0.4 j - 1 for j = -3 .. 8, rounded as float32 rounds them, so that they are the published ones.
/// @returns  [channels, 12], float32, rows alike
COVECTOR_API at::Tensor kan_knots(std::int64_t channels);

/// The eight cubic B-splines on a row of knots, by the recursion of Cox and de Boor:
///
///   B_j,0(x) = 1 where t_j <= x < t_j+1, else 0
///   B_j,p(x) = (x - t_j) / (t_j+p - t_j) B_j,p-1(x) + (t_j+p+1 - x) / (t_j+p+1 - t_j+1)
///   B_j+1,p-1(x)
///
/// Their sum is 1 between the fourth knot and the fourth last; outside all knots all are 0.
/// The gradient, p / (t_j+p - t_j) B_j,p-1 - p / (t_j+p+1 - t_j+1) B_j+1,p-1, is computed anew from
/// x: no step of the recursion is kept in memory. The knots are constants, without a gradient.
/// @param x      [..., channels]
/// @param knots  [channels, 12], ascending
/// @returns      [..., channels, 8], in the wider dtype of both
COVECTOR_API at::Tensor cubic_splines(const at::Tensor& x, const at::Tensor& knots);

/// A layer whose every weight is a function of one variable, a SiLU plus a cubic spline:
///
///   y_o = sum_i base_weight_oi silu(x_i) + spline_scaler_oi sum_j spline_weight_oij B_j(x_i)
///
/// base_weight and spline_scaler start uniform in +-1 / sqrt(in), the splines at the least squares
/// fit of the smallest norm to noise, uniform in +-0.01, at the six knots of [-1, 1]. Source: Z.
/// Liu et al., KAN: Kolmogorov-Arnold Networks, ICLR 2025, as in Blealtan/efficient-kan; parameters
/// bear the names they have there. The knots, a buffer named grid, never move.
class COVECTOR_API KanLinear : public torch::nn::Module {
 public:
  KanLinear(std::int64_t in, std::int64_t out);
  ~KanLinear() override;
  /// @param x  [..., in]
  /// @returns  [..., out]
  at::Tensor forward(const at::Tensor& x) const;

  at::Tensor base_weight;    // [out, in]
  at::Tensor spline_weight;  // [out, in, 8]
  at::Tensor spline_scaler;  // [out, in]
  at::Tensor grid;           // [in, 12]
};

}  // namespace covector::networks
