#include "decoder.h"

#include "covector/networks/blocks.h"

#include <torch/types.h>

#include <string>

namespace covector::transunet {

ConvNormRelu::ConvNormRelu(std::int64_t in, std::int64_t out) {
  conv_ = register_module("0", std::make_shared<BiaslessConv>(in, out, 3, Filters::plain));
  norm_ = register_module("1", std::make_shared<networks::BatchNorm>(out));
}

at::Tensor ConvNormRelu::forward(const at::Tensor& x) {
  auto y = norm_->forward(conv_->forward(x));
  // In place: the normalisation keeps its input for the gradient, not this output.
  return at::relu_(y);
}

DecoderBlock::DecoderBlock(std::int64_t in, std::int64_t skip, std::int64_t out) {
  first_ = register_module("conv1", std::make_shared<ConvNormRelu>(in + skip, out));
  second_ = register_module("conv2", std::make_shared<ConvNormRelu>(out, out));
}

at::Tensor DecoderBlock::forward(const at::Tensor& x, const at::Tensor& skip) {
  auto y = networks::upsample_linear(x, 2, true);
  if (skip.defined()) y = at::cat({y, skip}, 1);
  return second_->forward(first_->forward(y));
}

Decoder::Decoder(std::int64_t in, const std::vector<std::int64_t>& channels,
                 const std::vector<std::int64_t>& skips, networks::Checkpointing checkpointing)
    : checkpointing_(std::move(checkpointing)) {
  start_ = register_module("conv_more", std::make_shared<ConvNormRelu>(in, channels.at(0)));
  const auto list = register_module("blocks", std::make_shared<torch::nn::Module>());
  for (std::size_t i = 0; i + 1 < channels.size(); ++i)
    blocks_.push_back(list->register_module(
        std::to_string(i),
        std::make_shared<DecoderBlock>(channels[i], skips.at(i), channels[i + 1])));
}

at::Tensor Decoder::start(const at::Tensor& x) const {
  return checkpointing_.run("decoder1", {start_}, {x}, [conv = start_](const networks::Maps& in) {
    return conv->forward(in[0]);
  });
}

at::Tensor Decoder::block(std::size_t i, const networks::Maps& map_and_skip) const {
  const auto& block = blocks_.at(i);
  const auto piece = [block](const networks::Maps& in) {
    return block->forward(in[0], in.size() > 1 ? in[1] : at::Tensor());
  };
  return checkpointing_.run("decoder" + std::to_string(i + 2), {block}, map_and_skip, piece);
}

std::vector<at::Tensor> Decoder::levels(const at::Tensor& x, const std::vector<at::Tensor>& skips,
                                        std::size_t count) {
  std::vector<at::Tensor> maps{start(x)};
  for (std::size_t i = 0; i + 1 < count; ++i) {
    networks::Maps in{maps.back()};
    if (i < skips.size()) in.push_back(skips[i]);
    maps.push_back(block(i, in));
  }
  return maps;
}

}  // namespace covector::transunet
