#pragma once

#include "covector/networks/blocks.h"

namespace covector::networks {

/// From the finest features back to an image: a ConvBlock to 16 channels, 4 a group, and a 1x1
/// convolution: hidden, out.
/// Source: the restoration heads of GVSL and GEMINI (Y. He et al., CVPR 2023 and TPAMI 2025).
class COVECTOR_API RestorationHead : public torch::nn::Module {
 public:
  /// @param in        channels of the features
  /// @param channels  of the image
  RestorationHead(std::int64_t dimensions, std::int64_t in, std::int64_t channels,
                  ConvStart start = ConvStart::uniform);
  ~RestorationHead() override;
  /// [N, in, *size] -> [N, channels, *size]
  at::Tensor forward(const at::Tensor& features) const;

 private:
  std::shared_ptr<ConvBlock> hidden_;
  std::shared_ptr<Conv> out_;
};

/// The convolution that ends a deformer: 3-wide, from features to one component an axis.
/// @param at_rest  weights normal with standard deviation 1e-5 and bias 0, so that the first
///                 displacements are nearly 0; else as `start` says, which makes them a fraction of
///                 a voxel (uniform) or several voxels (normal)
/// Source: G. Balakrishnan et al., VoxelMorph, TMI 2019 (the start at rest).
COVECTOR_API std::shared_ptr<Conv> flow_conv(std::int64_t dimensions, std::int64_t in, bool at_rest,
                                             ConvStart start = ConvStart::uniform);

}  // namespace covector::networks
