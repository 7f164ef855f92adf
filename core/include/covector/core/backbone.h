#pragma once

#include "covector/core/sample.h"

#include <torch/nn/module.h>

#include <string_view>
#include <tuple>
#include <vector>

namespace covector {

/// A network that turns images into feature maps on several scales.
/// Level 0 is the coarsest, the last the finest; all vectors below have one entry a level.
class COVECTOR_API Backbone : public torch::nn::Module {
 public:
  static constexpr std::string_view kind = "backbone";
  using CreateArgs = std::tuple<const InputSpec&>;
  ~Backbone() override;

  /// @param x  [N, C, H, W] or [N, C, D, H, W]; throws std::invalid_argument when a side is not a
  /// multiple of
  ///           size_divisor()
  virtual std::vector<at::Tensor> pyramid(const at::Tensor& x) = 0;
  /// The bottleneck alone, without running the decoder.
  virtual at::Tensor encode(const at::Tensor& x) = 0;
  /// Channels of encode().
  virtual std::int64_t encoder_channels() const = 0;
  /// Channels of each level; known before any forward pass.
  virtual std::vector<std::int64_t> channels() const = 0;
  /// Input voxels per voxel of each level, the same along every axis.
  virtual std::vector<std::int64_t> strides() const = 0;
  virtual std::int64_t size_divisor() const = 0;
  virtual std::int64_t dimensions() const = 0;
  /// Whether the parameter or buffer of this name (relative to the backbone) is run by encode().
  virtual bool in_encoder(std::string_view name) const = 0;
};

}  // namespace covector
