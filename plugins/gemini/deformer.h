#pragma once

#include "covector/networks/registration.h"

#include <array>

namespace covector::gemini {

/// Predicts the displacement that brings one image onto another from the finest features of both: a
/// shallow U-Net of single convolutions, C channels an image.
///
///   2C -> C; pool; C -> 2C; pool; 2C -> 2C; up, join 4C -> 2C; up, join 3C -> C; C -> d
///
/// Maps are joined as [deeper, skipped]. Sub-modules: inc, down1, down2, up1, up2, flow.
/// Source: models/backbone_unet2d.py and backbone_unet3d.py of YutingHe-list/GEMINI (4e8e7cc); maps
/// are enlarged with corner centres kept in 3D alone, as there.
class Deformer : public torch::nn::Module {
 public:
  /// @param at_rest  the first displacements are nearly 0, as flow_conv() says
  Deformer(std::int64_t dimensions, std::int64_t channels, bool at_rest);
  /// @param moving, fixed  [N, C, *size], sides multiples of kSideDivisor
  /// @returns              [N, d, *size] voxels, float32 or wider: the voxel p of `fixed` shows
  /// what
  ///                       the voxel p + u(p) of `moving` shows
  at::Tensor forward(const at::Tensor& moving, const at::Tensor& fixed) const;

  static constexpr std::int64_t kSideDivisor = 4;

 private:
  bool corners_kept_;
  std::shared_ptr<networks::ConvBlock> inc_;
  std::array<std::shared_ptr<networks::ConvBlock>, 2> down_;
  std::array<std::shared_ptr<networks::ConvBlock>, 2> up_;
  std::shared_ptr<networks::Conv> flow_;
};

}  // namespace covector::gemini
