#pragma once

#include "covector/core/export.h"

#include <torch/nn/module.h>

#include <memory>
#include <string_view>
#include <vector>

namespace covector::networks {

/// How the weights of a convolution start.
///   uniform: in +-1 / sqrt(fan_in), as PyTorch's does.
///   normal:  with variance 2 / fan_in (K. He et al., ICCV 2015).
enum class ConvStart { uniform, normal };

/// Convolution over two or three spatial axes, the same class for both. The bias starts uniform in
/// +-1 / sqrt(fan_in).
class COVECTOR_API Conv : public torch::nn::Module {
 public:
  /// @param dimensions  2 or 3; throws std::invalid_argument for anything else
  /// @param in, out     channels; throws std::invalid_argument below 1
  /// @param kernel      odd side of the kernel; zero padding keeps the size of the map
  Conv(std::int64_t dimensions, std::int64_t in, std::int64_t out, std::int64_t kernel,
       ConvStart start = ConvStart::uniform);
  ~Conv() override;
  /// @param x  [N, in, H, W] or [N, in, D, H, W]
  at::Tensor forward(const at::Tensor& x) const;
  /// Input values that one output value depends on: in * kernel^dimensions.
  std::int64_t fan_in() const;

  at::Tensor weight;  // [out, in, *kernel]
  at::Tensor bias;    // [out]
};

/// Group normalisation with a scale and a shift per channel, which start at 1 and 0, and an
/// activation: the module of networks::group_norm().
class COVECTOR_API GroupNorm : public torch::nn::Module {
 public:
  /// @param groups  divides channels; 1 normalises all channels together
  GroupNorm(std::int64_t groups, std::int64_t channels, double eps = 1e-5);
  ~GroupNorm() override;
  /// @param slope  of the activation where the result is negative; 1: none
  at::Tensor forward(const at::Tensor& x, double slope = 1) const;

  at::Tensor weight;  // [channels]
  at::Tensor bias;    // [channels]

 private:
  std::int64_t groups_;
  double eps_;
};

/// A 3-wide convolution, GroupNorm, LeakyReLU of slope 0.2: conv, norm.
class COVECTOR_API ConvBlock : public torch::nn::Module {
 public:
  /// @param channels_a_group  of the GroupNorm; where it does not divide `out`, one group for all
  ConvBlock(std::int64_t dimensions, std::int64_t in, std::int64_t out,
            std::int64_t channels_a_group = 8, ConvStart start = ConvStart::uniform);
  ~ConvBlock() override;
  at::Tensor forward(const at::Tensor& x) const;

 private:
  std::shared_ptr<Conv> conv_;
  std::shared_ptr<GroupNorm> norm_;
};

/// Twice a 3-wide convolution, GroupNorm over 8 channels a group, LeakyReLU of slope 0.2.
/// Parameters are named double_conv.{0,1,3,4}. as in the authors' code.
class COVECTOR_API DoubleConv : public torch::nn::Module {
 public:
  DoubleConv(std::int64_t dimensions, std::int64_t in, std::int64_t out,
             ConvStart start = ConvStart::normal);
  ~DoubleConv() override;
  at::Tensor forward(const at::Tensor& x) const;

 private:
  std::shared_ptr<Conv> conv_[2];
  std::shared_ptr<GroupNorm> norm_[2];
};

/// Largest value of each block of `factor` voxels along every axis.
COVECTOR_API at::Tensor max_pool(const at::Tensor& x, std::int64_t factor);

/// Linear interpolation onto a grid `factor` times as fine. align_corners: corner centres stay in
/// place; else corner edges do. Dtype and layout stay; on CPUs float64, float32 and bfloat16 (added
/// up in float32) have loops of our own for both layouts, whose results do not depend on the number
/// of threads. Everything else takes LibTorch's operator.
/// @param x  [N, C, H, W] or [N, C, D, H, W]
COVECTOR_API at::Tensor upsample_linear(const at::Tensor& x, std::int64_t factor,
                                        bool align_corners);

/// Throws std::invalid_argument "unet: sides must be multiples of 16, got [1, 1, 60, 64]; ..."
/// unless `x` has `channels` channels, `dimensions` spatial axes and sides that `divisor` divides.
COVECTOR_API void check_input(std::string_view network, const at::Tensor& x, std::int64_t channels,
                              std::int64_t dimensions, std::int64_t divisor);

}  // namespace covector::networks
