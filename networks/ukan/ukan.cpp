#include "ukan.h"

#include "covector/core/error.h"

#include <torch/types.h>

#include <algorithm>

namespace covector::ukan {

using networks::BatchNorm;
using networks::Conv;
using networks::LayerNorm;

namespace {

void check_recipe(const Options& options, const InputSpec& input) {
  if (input.dimensions != 2)
    throw RecipeError("[backbone] 'ukan' runs on images, the dataset has " +
                      std::to_string(input.dimensions) +
                      " axes; take slices of the volumes, or \"unet\"");
  if (options.repeat3 && input.channels != 1)
    throw RecipeError("[backbone] 'repeat3' shows one channel three times, the dataset has " +
                      std::to_string(input.channels) + " channels; leave it out");
}

/// The coarsest of the six levels that needs a parameter or buffer.
std::size_t stage_of(std::string_view name) {
  if (name.starts_with("decoder")) return static_cast<std::size_t>(name[7] - '0');
  if (name.starts_with("dblock1") || name.starts_with("dnorm3")) return 1;
  if (name.starts_with("dblock2") || name.starts_with("dnorm4")) return 2;
  return 0;
}

}  // namespace

ConvPair::ConvPair(std::int64_t in, std::int64_t middle, std::int64_t out) {
  const auto sequence = register_module("conv", std::make_shared<torch::nn::Module>());
  const std::int64_t widths[] = {in, middle, out};
  for (int i = 0; i < 2; ++i) {
    // The activations count as 2 and 5.
    conv_[i] = sequence->register_module(std::to_string(3 * i),
                                         std::make_shared<Conv>(2, widths[i], widths[i + 1], 3));
    norm_[i] = sequence->register_module(std::to_string(3 * i + 1),
                                         std::make_shared<BatchNorm>(widths[i + 1]));
  }
}

at::Tensor ConvPair::forward(const at::Tensor& x) const {
  auto y = x;
  for (int i = 0; i < 2; ++i) y = at::relu(norm_[i]->forward(conv_[i]->forward(y)));
  return y;
}

Ukan::Ukan(const Options& options, const InputSpec& input)
    : options_(options), input_(input), checkpointing_(options.checkpoint) {
  check_recipe(options, input);
  const auto& c = options_.channels;
  const std::int64_t in[] = {options_.repeat3 ? 3 : input_.channels, c[0] / 8, c[0] / 4, c[0]};
  for (std::size_t i = 0; i < 3; ++i)
    down_.push_back(add_pair("encoder" + std::to_string(i + 1), in[i], in[i + 1], in[i + 1]));
  add_token_stages();
  const std::int64_t out[] = {c[2], c[1], c[0], c[0] / 4, c[0] / 8, c[0] / 8};
  for (std::size_t i = 0; i < 5; ++i)
    up_.push_back(add_pair("decoder" + std::to_string(i + 1), out[i], out[i], out[i + 1]));
}

std::shared_ptr<ConvPair> Ukan::add_pair(const std::string& name, std::int64_t in,
                                         std::int64_t middle, std::int64_t out) {
  return register_module(name, std::make_shared<ConvPair>(in, middle, out));
}

// In the order of the authors' checkpoints: all norms, all blocks, then the embeddings.
void Ukan::add_token_stages() {
  const auto& c = options_.channels;
  const auto norm = [&](const std::string& name, std::int64_t width) {
    return register_module(name, std::make_shared<LayerNorm>(width));
  };
  const auto block = [&](const std::string& name, std::int64_t width) {
    const auto list = register_module(name, std::make_shared<torch::nn::Module>());
    return list->register_module("0", std::make_shared<KanBlock>(width));
  };
  down_tokens_ = {{nullptr, norm("norm3", c[1])}, {nullptr, norm("norm4", c[2])}};
  up_tokens_ = {{nullptr, norm("dnorm3", c[1])}, {nullptr, norm("dnorm4", c[0])}};
  down_tokens_[0].block = block("block1", c[1]);
  down_tokens_[1].block = block("block2", c[2]);
  up_tokens_[0].block = block("dblock1", c[1]);
  up_tokens_[1].block = block("dblock2", c[0]);
  for (std::size_t i = 0; i < 2; ++i)
    patch_embed_.push_back(register_module("patch_embed" + std::to_string(i + 3),
                                           std::make_shared<PatchEmbed>(c[i], c[i + 1])));
}

std::vector<std::int64_t> Ukan::channels() const {
  const auto& c = options_.channels;
  const std::vector<std::int64_t> all{c[2], c[1], c[0], c[0] / 4, c[0] / 8, c[0] / 8};
  return {all.end() - options_.levels, all.end()};
}

std::vector<std::int64_t> Ukan::strides() const {
  const std::vector<std::int64_t> all{32, 16, 8, 4, 2, 1};
  return {all.end() - options_.levels, all.end()};
}

std::size_t Ukan::level_of(std::string_view name) const {
  const auto stage = stage_of(name);
  return stage - std::min(stage, left_out());
}

bool Ukan::in_encoder(std::string_view name) const {
  return stage_of(name) == 0;
}

void Ukan::check_batch(const std::vector<std::int64_t>& size, std::int64_t batch) const {
  if (batch > 1 || std::any_of(size.begin(), size.end(), [](auto side) { return side > 32; }))
    return;
  throw RecipeError(
      "[backbone] 'ukan' cannot be trained on one view of [32, 32] at a time: its batch "
      "normalisation at stride 32 would see one value a channel, which has no variance. Take "
      "larger views, or more of them a forward pass");
}

std::shared_ptr<Backbone> Ukan::fresh() const {
  return std::make_shared<Ukan>(options_, input_);
}

at::Tensor Ukan::down(std::size_t i, const at::Tensor& map) const {
  const auto& pair = down_[i];
  return checkpointing_.run(
      "encoder" + std::to_string(i + 1), {pair}, {map},
      [pair](const networks::Maps& in) { return networks::max_pool(pair->forward(in[0]), 2); });
}

at::Tensor Ukan::down_tokens(std::size_t i, const at::Tensor& map) const {
  const auto& embed = patch_embed_[i];
  const auto& tokens = down_tokens_[i];
  const auto piece = [embed, tokens](const networks::Maps& in) {
    return to_map(tokens.forward(embed->forward(in[0]))).contiguous();
  };
  return checkpointing_.run("encoder" + std::to_string(i + 4), {embed, tokens.block, tokens.norm},
                            {map}, piece);
}

at::Tensor Ukan::up(std::size_t i, const networks::Maps& map_and_skip) const {
  const auto& pair = up_.at(i);
  networks::Modules modules{pair};
  const auto tokens = i < up_tokens_.size() ? up_tokens_[i] : TokenStage{};
  if (tokens.block) modules.insert(modules.end(), {tokens.block, tokens.norm});
  const auto piece = [pair, tokens](const networks::Maps& in) {
    auto finer = networks::upsample_linear(pair->forward(in[0]), 2, false);
    if (in.size() > 1) finer = finer + in[1];
    return tokens.block ? to_map(tokens.forward(to_tokens(finer))).contiguous() : finer;
  };
  return checkpointing_.run("decoder" + std::to_string(i + 1), modules, map_and_skip, piece);
}

// The authors' code applies a ReLU after each pooling and each upsampling. Both keep the values of
// a ReLU at 0 or more, so that it changes neither values nor gradients and is not here.
std::vector<at::Tensor> Ukan::encoder(const at::Tensor& x) const {
  networks::check_input("ukan", x, input_.channels, 2, size_divisor());
  std::vector<at::Tensor> maps;
  auto y = options_.repeat3 ? x.expand({-1, 3, -1, -1}) : x;
  for (std::size_t i = 0; i < down_.size(); ++i) {
    y = down(i, y);
    maps.push_back(y);
  }
  for (std::size_t i = 0; i < patch_embed_.size(); ++i) maps.push_back(down_tokens(i, maps.back()));
  return maps;
}

std::vector<at::Tensor> Ukan::levels(const at::Tensor& x, std::size_t count) {
  auto skips = encoder(x);
  std::vector<at::Tensor> maps{skips.back()};
  for (std::size_t i = 0; i + 1 < count + left_out(); ++i) {
    skips.pop_back();
    networks::Maps in{maps.back()};
    if (!skips.empty()) in.push_back(skips.back());
    maps.push_back(up(i, in));
  }
  maps.erase(maps.begin(), maps.begin() + static_cast<std::ptrdiff_t>(left_out()));
  return maps;
}

}  // namespace covector::ukan
