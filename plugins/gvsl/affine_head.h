#pragma once

#include "covector/networks/blocks.h"
#include "covector/networks/heads.h"

namespace covector::gvsl {

/// What the affine head says, before it is bound: one row a sample.
struct AffineValues {
  at::Tensor rotation;     // [N, 1] in 2D, [N, 3] about the first, second and third axis
  at::Tensor scale;        // [N, d]
  at::Tensor shear;        // [N, d (d - 1)], the entries off the diagonal row by row
  at::Tensor translation;  // [N, d] voxels
};

/// The affine matrix of bound values.
///
///   M = [Sh S R | t]
///   R: 3D R_2 R_1 R_0, right-handed turns by pi / 9 clamp(rotation, -1, 1) about each axis
///   S: 1 + clamp(scale, -1, 1) / 4 on the diagonal
///   Sh: ones on the diagonal, tan(pi / 18 clamp(shear, -1, 1)) off it
///   t: as given
///
/// Float32 or wider under autocast too; the gradient flows into every value that is not clamped.
/// @returns  [N, d, d + 1]
/// Source: Y. He et al., GVSL, CVPR 2023, fig. 12 and the authors' models/gvsl.py (77c89ba). Rows
/// are tensor axes; the released code's first row acts on the last one.
at::Tensor affine_matrix(const AffineValues& values);

/// An image read through the matrix about its centre c = (size - 1) / 2, zero outside:
///   out(p) = image(A (p - c) + c + t)
/// Departure: in voxels, so that volumes with unequal sides are turned and not sheared. The
/// released code divides t by the side, which moves by t / 2.
/// @param image   [N, C, *size]
/// @param matrix  [N, d, d + 1]
at::Tensor affine_warp(const at::Tensor& image, const at::Tensor& matrix);

/// Predicts how one image has to be moved onto another from the deepest features of both: f_conv,
/// fc_rot, fc_scl, fc_trans, fc_shear.
class AffineHead : public torch::nn::Module {
 public:
  /// @param in       channels of the features of one image
  /// @param at_rest  fully connected layers start at 0, so that the first matrix is the identity
  AffineHead(std::int64_t dimensions, std::int64_t in, bool at_rest);
  /// @param moving, fixed  [N, in, *size]
  AffineValues forward(const at::Tensor& moving, const at::Tensor& fixed) const;

 private:
  std::shared_ptr<networks::DoubleConv> f_conv_;
  std::shared_ptr<networks::Linear> fc_rot_;
  std::shared_ptr<networks::Linear> fc_scl_;
  std::shared_ptr<networks::Linear> fc_trans_;
  std::shared_ptr<networks::Linear> fc_shear_;
};

}  // namespace covector::gvsl
