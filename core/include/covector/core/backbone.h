#pragma once

#include "covector/core/sample.h"

#include <torch/nn/module.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace covector {

/// Tensors by name, as PyTorch's state_dict() lists them.
using StateDict = std::map<std::string, at::Tensor>;

/// What a network makes of weights that its authors' code wrote.
struct Translation {
  StateDict tensors;                 // under this network's names, in its shapes
  std::vector<std::string> changed;  // "NAME: what was done to it"
  std::vector<std::string> ignored;  // "NAME: why this network has no use for it"
};

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
  /// Throws RecipeError "[backbone] ..." when this many images of this size, sides that
  /// size_divisor() divides, cannot be trained on in one forward pass; known before data is read.
  virtual void check_batch(const std::vector<std::int64_t>& /*size*/,
                           std::int64_t /*batch*/) const {}
  virtual std::int64_t dimensions() const = 0;
  /// The coarsest level that needs the parameter or buffer of this name (relative to the backbone).
  virtual std::size_t level_of(std::string_view name) const = 0;
  /// Whether encode() needs it.
  virtual bool in_encoder(std::string_view name) const { return level_of(name) == 0; }
  /// Another network of this shape for a momentum copy: with first weights of its own, and nothing
  /// left out at random while training (dropout, stochastic depth).
  virtual std::shared_ptr<Backbone> fresh() const = 0;
  /// Weights under the authors' names and in their shapes, brought to those of this network: what
  /// it computes by itself and the authors' head are left out, tables of positions are resized as
  /// the authors do. What it does not know stays as it is. Throws std::invalid_argument when a
  /// tensor cannot be what its name says.
  virtual Translation from_published(StateDict published) const;
  /// The other way: this network's tensors, and what the authors' code stores besides, so that it
  /// loads them with nothing missing once its head is taken away.
  virtual StateDict to_published(StateDict own) const { return own; }
};

}  // namespace covector
