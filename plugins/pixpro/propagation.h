#pragma once

#include <ATen/core/Tensor.h>

namespace covector::pixpro {

/// Pixel propagation: every cell becomes the sum of what all cells of its view say, each weighed by
/// how similar it is.
///
///   y_i = sum_j max(cos(x_i, x_j), clamp)^power  v_j / |v_j|
///
/// The sum runs over all cells, i itself included, and is not divided by anything. Below a power of
/// 1 the similarity is raised by 1e-6, where its gradient would not be finite. Float32 or wider,
/// also under autocast.
/// @param x       [N, n, C] projections
/// @param values  [N, n, V] what is propagated
/// @returns       [N, n, V]
/// @throws        std::invalid_argument when the shapes disagree
/// Source: Z. Xie et al., Propagate Yourself (PixPro), CVPR 2021, eq. 3; code zdaxie/PixPro.
at::Tensor propagate(const at::Tensor& x, const at::Tensor& values, double power, double clamp);

/// Consistency of the cells of one view with those of another that lie near them.
///
///   l = -2 / N  sum_samples [ sum_ij M_ij <y_i, z_j> / (sum_ij M_ij + 1e-6) ]
///
/// A sample without near cells counts with 0.
/// @param y     [N, n, C] unit rows
/// @param z     [N, m, C] unit rows, without gradient
/// @param near  [N, n, m] boolean: M
/// @returns     scalar in [-2, 2]
/// @throws      std::invalid_argument when the shapes disagree
/// Source: as above, eq. 2 and 4. The paper's form is half of it; the code's is kept.
at::Tensor consistency(const at::Tensor& y, const at::Tensor& z, const at::Tensor& near);

}  // namespace covector::pixpro
