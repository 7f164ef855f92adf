#include "transformer.h"

#include <torch/types.h>

#include <cmath>
#include <string>

namespace covector::transunet {
namespace {

using networks::LayerNorm;
using networks::Linear;
using networks::on_tokens;

constexpr double kNormEpsilon = 1e-6;
constexpr double kMlpBiasStd = 1e-6;

std::shared_ptr<networks::Mlp> mlp_of(const TransformerShape& shape) {
  auto mlp = std::make_shared<networks::Mlp>(shape.hidden, shape.mlp, shape.dropout);
  const torch::NoGradGuard no_grad;
  const auto bound = std::sqrt(6.0 / static_cast<double>(shape.hidden + shape.mlp));
  for (auto& parameter : mlp->parameters()) {
    if (parameter.dim() == 1)
      parameter.normal_(0, kMlpBiasStd);
    else
      parameter.uniform_(-bound, bound);
  }
  return mlp;
}

}  // namespace

Embeddings::Embeddings(std::shared_ptr<torch::nn::Module> convolutions, std::int64_t in,
                       std::int64_t grid, const TransformerShape& shape)
    : grid_(grid), dropout_(shape.dropout) {
  positions_ =
      register_parameter("position_embeddings", torch::zeros({1, grid * grid, shape.hidden}));
  register_module("hybrid_model", std::move(convolutions));
  projection_ =
      register_module("patch_embeddings", std::make_shared<networks::Conv>(2, in, shape.hidden, 1));
}

at::Tensor Embeddings::positions(std::int64_t rows, std::int64_t columns) const {
  if (rows == grid_ && columns == grid_) return positions_;
  const auto map = positions_.transpose(1, 2).unflatten(2, {grid_, grid_});
  return at::upsample_bilinear2d(map, {rows, columns}, true).flatten(2).transpose(1, 2);
}

at::Tensor Embeddings::forward(const at::Tensor& map) const {
  const auto tokens = projection_->forward(map).flatten(2).transpose(1, 2);
  return at::dropout(tokens + positions(map.size(2), map.size(3)), dropout_, is_training());
}

Attention::Attention(const TransformerShape& shape)
    : heads_(shape.heads), dropout_(shape.attention_dropout) {
  const auto add = [&](const char* name) {
    return register_module(name, std::make_shared<Linear>(shape.hidden, shape.hidden));
  };
  query_ = add("query");
  key_ = add("key");
  value_ = add("value");
  out_ = add("out");
}

at::Tensor Attention::forward(const at::Tensor& x) const {
  const auto split = [&](const Linear& layer) {
    return on_tokens(layer, x).unflatten(2, {heads_, -1}).transpose(1, 2);
  };
  const auto mixed = at::scaled_dot_product_attention(split(*query_), split(*key_), split(*value_),
                                                      {}, is_training() ? dropout_ : 0.0)
                         .transpose(1, 2)
                         .flatten(2);
  return at::dropout(on_tokens(*out_, mixed), dropout_, is_training());
}

TransformerLayer::TransformerLayer(const TransformerShape& shape) {
  attention_norm_ =
      register_module("attention_norm", std::make_shared<LayerNorm>(shape.hidden, kNormEpsilon));
  mlp_norm_ = register_module("ffn_norm", std::make_shared<LayerNorm>(shape.hidden, kNormEpsilon));
  mlp_ = register_module("ffn", mlp_of(shape));
  attention_ = register_module("attn", std::make_shared<Attention>(shape));
}

at::Tensor TransformerLayer::forward(const at::Tensor& x) const {
  const auto y = x + attention_->forward(attention_norm_->forward(x));
  return y + mlp_->forward(mlp_norm_->forward(y));
}

Encoder::Encoder(const TransformerShape& shape, networks::Checkpointing checkpointing)
    : checkpointing_(std::move(checkpointing)) {
  const auto list = register_module("layer", std::make_shared<torch::nn::Module>());
  for (std::int64_t i = 0; i < shape.layers; ++i)
    layers_.push_back(
        list->register_module(std::to_string(i), std::make_shared<TransformerLayer>(shape)));
  norm_ = register_module("encoder_norm", std::make_shared<LayerNorm>(shape.hidden, kNormEpsilon));
}

at::Tensor Encoder::forward(at::Tensor x) const {
  for (const auto& layer : layers_)
    x = checkpointing_.run("encoder5", {layer}, {x},
                           [layer](const networks::Maps& in) { return layer->forward(in[0]); });
  return norm_->forward(x);
}

}  // namespace covector::transunet
