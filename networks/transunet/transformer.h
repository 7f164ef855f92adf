#pragma once

#include "covector/networks/blocks.h"
#include "covector/networks/checkpointing.h"
#include "covector/networks/norms.h"
#include "covector/networks/tokens.h"

#include <torch/nn/module.h>

#include <memory>
#include <vector>

namespace covector::transunet {

/// Sizes and dropout of the transformer.
struct TransformerShape {
  std::int64_t layers;
  std::int64_t hidden;  // channels of a token
  std::int64_t mlp;     // channels inside the MLP
  std::int64_t heads;   // divides hidden
  double dropout;
  double attention_dropout;
};

/// Tokens of a feature map: one for each pixel, row after row, with a learned position added.
class Embeddings final : public torch::nn::Module {
 public:
  /// @param convolutions  the network before the transformer, which checkpoints file under here
  /// @param in            channels of its coarsest map
  /// @param grid          rows and columns of the map that positions are stored for
  Embeddings(std::shared_ptr<torch::nn::Module> convolutions, std::int64_t in, std::int64_t grid,
             const TransformerShape& shape);
  /// @param map  [N, in, h, w]
  /// @returns    [N, h w, hidden]
  at::Tensor forward(const at::Tensor& map) const;

 private:
  /// The positions [1, h w, hidden], interpolated linearly between the corners where the map is not
  /// of the stored size, as the authors' code does for a checkpoint.
  at::Tensor positions(std::int64_t rows, std::int64_t columns) const;

  std::int64_t grid_;
  double dropout_;
  at::Tensor positions_;  // [1, grid^2, hidden]
  std::shared_ptr<networks::Conv> projection_;
};

/// Self-attention of several heads among all tokens of an image.
///
///   softmax(Q K^T / sqrt(d)) V  in each head of d = hidden / heads channels
///
/// Source: A. Vaswani et al., Attention Is All You Need, NeurIPS 2017.
class Attention final : public torch::nn::Module {
 public:
  explicit Attention(const TransformerShape& shape);
  /// @param x  [N, T, hidden]
  at::Tensor forward(const at::Tensor& x) const;

 private:
  std::int64_t heads_;
  double dropout_;
  std::shared_ptr<networks::Linear> query_;
  std::shared_ptr<networks::Linear> key_;
  std::shared_ptr<networks::Linear> value_;
  std::shared_ptr<networks::Linear> out_;
};

/// x + Attention(LN(x)), then x + MLP(LN(x)). The MLP's weights start uniform with the bound
/// sqrt(6 / (in + out)) of X. Glorot, Y. Bengio, AISTATS 2010, its biases normal with std 1e-6.
class TransformerLayer final : public torch::nn::Module {
 public:
  explicit TransformerLayer(const TransformerShape& shape);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  std::shared_ptr<networks::LayerNorm> attention_norm_;
  std::shared_ptr<networks::LayerNorm> mlp_norm_;
  std::shared_ptr<networks::Mlp> mlp_;
  std::shared_ptr<Attention> attention_;
};

/// The layers one after another and a last LayerNorm.
/// Source: A. Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021.
class Encoder final : public torch::nn::Module {
 public:
  /// @param checkpointing  of "encoder5", layer by layer
  Encoder(const TransformerShape& shape, networks::Checkpointing checkpointing);
  /// @param x  tokens [N, T, hidden]
  at::Tensor forward(at::Tensor x) const;

 private:
  networks::Checkpointing checkpointing_;
  std::vector<std::shared_ptr<TransformerLayer>> layers_;
  std::shared_ptr<networks::LayerNorm> norm_;
};

}  // namespace covector::transunet
