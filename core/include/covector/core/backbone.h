#pragma once

#include "covector/core/sample.h"

#include <torch/nn/module.h>

#include <memory>
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

  /// The maps of the `count` coarsest levels; what only finer ones need is not run.
  /// @param x  [N, C, H, W] or [N, C, D, H, W]; throws std::invalid_argument when a side is not a
  ///           multiple of size_divisor()
  virtual std::vector<at::Tensor> levels(const at::Tensor& x, std::size_t count) = 0;
  /// All levels.
  std::vector<at::Tensor> pyramid(const at::Tensor& x) { return levels(x, channels().size()); }
  /// The bottleneck, without running the decoder; level 0 unless a network has another.
  virtual at::Tensor encode(const at::Tensor& x) { return levels(x, 1).front(); }
  /// Channels of encode().
  virtual std::int64_t encoder_channels() const { return channels().front(); }
  /// Channels of each level; known before any forward pass.
  virtual std::vector<std::int64_t> channels() const = 0;
  /// Input voxels per voxel of each level, the same along every axis.
  virtual std::vector<std::int64_t> strides() const = 0;
  virtual std::int64_t size_divisor() const = 0;
  virtual std::int64_t dimensions() const = 0;
  /// The coarsest level that needs the parameter or buffer of this name (relative to the backbone).
  virtual std::size_t level_of(std::string_view name) const = 0;
  /// Whether encode() needs it.
  virtual bool in_encoder(std::string_view name) const { return level_of(name) == 0; }
  /// Another network of this shape, with first weights of its own.
  virtual std::shared_ptr<Backbone> fresh() const = 0;
};

}  // namespace covector
