#pragma once

#include "covector/core/schema.h"
#include "covector/core/transform.h"

#include <cstdint>
#include <string>
#include <vector>

namespace covector::transforms {

/// What an affine field is made of, one row a sample, float64 on the CPU.
struct AffineParameters {
  at::Tensor rotation;     // radians; 2D [N, 2]: angles a and b; 3D [N, 3]: about axis D, H, W
  at::Tensor scale;        // [N, d]; above 1 reads a larger stretch, which makes content smaller
  at::Tensor shear;        // radians [N, d (d - 1)]: the entries off the diagonal, row by row
  at::Tensor translation;  // [N, d] voxels
};

/// The affine field of COVER's self-vector regression.
///
///   q(p) = A (p - c) + t + c',   c = (size - 1) / 2,   A = R * diag(scale) * Sh
///   2D: R = R(a) R(-b) with R(a) = [cos a, -sin a; sin a, cos a]
///   3D: R = R_D R_H R_W, each a right-handed turn about its axis in the order (D, H, W)
///   Sh: ones on the diagonal, tan(shear) off it
///
/// `centre` paper: c' = c, so that no parameters is the identity; released: c' = size / 2 rounded
/// down, which shifts even sides by half a voxel.
/// @param size  d numbers, 2 or 3
/// @throws      std::invalid_argument when a shape disagrees with the size
/// Source: utils/Transform_2d.py and Transform_3d.py of YutingHe-list/COVER (f5e6dd0). That code
/// multiplies coordinates as rows from the left, Sh diag(scale) R2(b) R1(a); for columns, as here,
/// the product is transposed and its order turns round.
COVECTOR_API SpatialMap affine_map(const AffineParameters& parameters,
                                   std::vector<std::int64_t> size,
                                   GridConvention centre = GridConvention::paper);

/// Ranges of the random field; each is multiplied by `degree`.
struct COVECTOR_API AffineOptions {
  double degree = 1.5;
  double rotation = 20.0;     // degrees of arc, COVER's pi / 9
  std::int64_t angles = 2;    // in 2D
  double scale = 0.5;         // half width around 1
  double translation = 0.2;   // of the side
  double shear = 180.0 / 32;  // degrees of arc, COVER's pi / 32
  std::string convention = "paper";

  static void describe(Schema<AffineOptions>& schema);
};

/// Moves each sample by an affine field of its own.
class COVECTOR_API Affine final : public Transform {
 public:
  explicit Affine(const AffineOptions& options);
  void apply(View& view, Draws& draws) const override;

 private:
  AffineParameters draw(const std::vector<std::int64_t>& size, Draws& draws) const;
  AffineOptions options_;
};

}  // namespace covector::transforms
