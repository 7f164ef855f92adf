#pragma once

#include "convolution.h"
#include "covector/networks/checkpointing.h"
#include "covector/networks/norms.h"

#include <torch/nn/module.h>

#include <memory>
#include <vector>

namespace covector::transunet {

/// A 3-wide convolution, BatchNorm, ReLU.
class ConvNormRelu final : public torch::nn::Module {
 public:
  ConvNormRelu(std::int64_t in, std::int64_t out);
  at::Tensor forward(const at::Tensor& x);

 private:
  std::shared_ptr<BiaslessConv> conv_;
  std::shared_ptr<networks::BatchNorm> norm_;
};

/// Upsampling to twice the size with the corners in place, the skip connection behind it, and two
/// ConvNormRelu.
class DecoderBlock final : public torch::nn::Module {
 public:
  DecoderBlock(std::int64_t in, std::int64_t skip, std::int64_t out);
  /// @param skip  [N, skip, 2H, 2W]; undefined where the block has none
  at::Tensor forward(const at::Tensor& x, const at::Tensor& skip);

 private:
  std::shared_ptr<ConvNormRelu> first_;
  std::shared_ptr<ConvNormRelu> second_;
};

/// From the map of the transformer to the image's resolution.
class Decoder final : public torch::nn::Module {
 public:
  /// @param in        channels of the transformer's map
  /// @param channels  of the levels, coarsest first; each level but the first has twice the size of
  ///                  the one before
  /// @param skips     channels of the skip connection of each level but the first; 0 is none
  /// @param checkpointing  of "decoder1", the first convolution, and "decoder2" to "decoder5"
  Decoder(std::int64_t in, const std::vector<std::int64_t>& channels,
          const std::vector<std::int64_t>& skips, networks::Checkpointing checkpointing);
  /// The `count` coarsest levels.
  /// @param x      [N, in, h, w]
  /// @param skips  maps of the skip connections, coarsest first; further blocks have none
  std::vector<at::Tensor> levels(const at::Tensor& x, const std::vector<at::Tensor>& skips,
                                 std::size_t count);

 private:
  at::Tensor start(const at::Tensor& x) const;
  at::Tensor block(std::size_t i, const networks::Maps& map_and_skip) const;

  networks::Checkpointing checkpointing_;
  std::shared_ptr<ConvNormRelu> start_;
  std::vector<std::shared_ptr<DecoderBlock>> blocks_;  // coarsest first
};

}  // namespace covector::transunet
