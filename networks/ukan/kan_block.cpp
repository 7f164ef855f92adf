#include "kan_block.h"

#include <torch/types.h>

#include <cmath>

namespace covector::ukan {

using networks::BatchNorm;
using networks::KanLinear;
using networks::LayerNorm;

at::Tensor to_tokens(const at::Tensor& map) {
  return map.permute({0, 2, 3, 1});
}

at::Tensor to_map(const at::Tensor& tokens) {
  return tokens.permute({0, 3, 1, 2});
}

FanOutConv::FanOutConv(std::int64_t in, std::int64_t out, std::int64_t stride, std::int64_t groups)
    : stride_(stride), groups_(groups) {
  weight = register_parameter("weight", torch::empty({out, in / groups, 3, 3}));
  bias = register_parameter("bias", torch::zeros({out}));
  const torch::NoGradGuard no_grad;
  weight.normal_(0, std::sqrt(2.0 / static_cast<double>(9 * out / groups)));
}

at::Tensor FanOutConv::forward(const at::Tensor& x) const {
  return at::conv2d(x, weight, bias, stride_, 1, 1, groups_);
}

PatchEmbed::PatchEmbed(std::int64_t in, std::int64_t out) {
  proj_ = register_module("proj", std::make_shared<FanOutConv>(in, out, 2, 1));
  norm_ = register_module("norm", std::make_shared<LayerNorm>(out));
}

at::Tensor PatchEmbed::forward(const at::Tensor& map) const {
  return norm_->forward(to_tokens(proj_->forward(map)));
}

DepthwiseBlock::DepthwiseBlock(std::int64_t channels) {
  conv_ = register_module("dwconv", std::make_shared<FanOutConv>(channels, channels, 1, channels));
  norm_ = register_module("bn", std::make_shared<BatchNorm>(channels));
}

at::Tensor DepthwiseBlock::forward(const at::Tensor& tokens) const {
  return to_tokens(at::relu(norm_->forward(conv_->forward(to_map(tokens)))));
}

KanBlock::KanBlock(std::int64_t channels) {
  norm_ = register_module("norm2", std::make_shared<LayerNorm>(channels));
  const auto layer = register_module("layer", std::make_shared<torch::nn::Module>());
  for (int i = 0; i < 3; ++i)
    linear_[i] = layer->register_module("fc" + std::to_string(i + 1),
                                        std::make_shared<KanLinear>(channels, channels));
  for (int i = 0; i < 3; ++i)
    depthwise_[i] = layer->register_module("dwconv_" + std::to_string(i + 1),
                                           std::make_shared<DepthwiseBlock>(channels));
}

at::Tensor KanBlock::forward(const at::Tensor& tokens) const {
  auto y = norm_->forward(tokens);
  for (int i = 0; i < 3; ++i) y = depthwise_[i]->forward(linear_[i]->forward(y));
  return tokens + y;
}

}  // namespace covector::ukan
