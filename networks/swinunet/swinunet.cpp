#include "swinunet.h"

#include "covector/core/error.h"

#include <torch/types.h>

#include <algorithm>

namespace covector::swinunet {

using networks::LayerNorm;
using networks::Linear;
using networks::on_tokens;

namespace {

constexpr std::size_t kStages = 4;
constexpr double kWeightSpread = 0.02;

std::int64_t input_channels(const Options& options, const InputSpec& input) {
  if (input.dimensions != 2)
    throw RecipeError(
        "[backbone] 'swinunet' takes 2D images, the dataset yields volumes; take \"unet\", or read "
        "their slices");
  if (!options.repeat3) return input.channels;
  if (input.channels != 1)
    throw RecipeError("[backbone] 'repeat3' repeats images of one channel, these have " +
                      std::to_string(input.channels) + "; leave it out");
  return 3;
}

std::vector<BlockShape> stage_shapes(const Options& options) {
  const auto windows = stage_windows(options);
  std::vector<BlockShape> shapes;
  for (std::size_t i = 0; i < kStages; ++i)
    shapes.push_back({options.embed_dim << i, options.heads[i], windows[i], options.mlp_ratio});
  return shapes;
}

/// From 0 at the first block of the encoder to `drop_path` at its last, by stage.
std::vector<std::vector<double>> drop_path_rates(const Options& options) {
  std::int64_t blocks = 0;
  for (const auto depth : options.depths) blocks += depth;
  std::vector<std::vector<double>> rates(kStages);
  std::int64_t block = 0;
  for (std::size_t i = 0; i < kStages; ++i)
    for (std::int64_t j = 0; j < options.depths[i]; ++j, ++block)
      rates[i].push_back(options.drop_path * static_cast<double>(block) /
                         static_cast<double>(blocks - 1));
  return rates;
}

/// Tokens [N, H, W, C] as a map [N, C, H, W].
at::Tensor picture(const at::Tensor& tokens) {
  return tokens.permute({0, 3, 1, 2}).contiguous();
}

}  // namespace

std::vector<std::int64_t> stage_windows(const Options& options) {
  const auto& size = options.image_size;
  auto grid = *std::min_element(size.begin(), size.end()) / PatchEmbed::kPatch;
  std::vector<std::int64_t> windows;
  for (std::size_t i = 0; i < kStages; ++i, grid /= 2)
    windows.push_back(std::min(options.window, grid));
  return windows;
}

Swinunet::Swinunet(const Options& options, const InputSpec& input)
    : options_(options), input_(input), checkpointing_(options.checkpoint) {
  patch_embed_ = register_module(
      "patch_embed",
      std::make_shared<PatchEmbed>(input_channels(options_, input_), options_.embed_dim));
  const auto shapes = stage_shapes(options_);
  const auto drop_path = drop_path_rates(options_);
  add_encoder(shapes, drop_path);
  add_decoder(shapes, drop_path);
  norm_ = register_module("norm", std::make_shared<LayerNorm>(shapes.back().channels));
  norm_up_ = register_module("norm_up", std::make_shared<LayerNorm>(options_.embed_dim));
  up_ = register_module("up", std::make_shared<PatchExpand>(options_.embed_dim, options_.embed_dim,
                                                            PatchEmbed::kPatch));
  draw_weights();
}

void Swinunet::add_encoder(const std::vector<BlockShape>& shapes,
                           const std::vector<std::vector<double>>& drop_path) {
  const auto layers = register_module("layers", std::make_shared<torch::nn::Module>());
  for (std::size_t i = 0; i < kStages; ++i) {
    const auto name = "encoder" + std::to_string(i + 1);
    encoder_.push_back(layers->register_module(
        std::to_string(i), std::make_shared<Stage>(shapes[i], drop_path[i], name, checkpointing_)));
    if (i + 1 < kStages)
      merging_.push_back(encoder_[i]->register_module(
          "downsample", std::make_shared<PatchMerging>(shapes[i].channels)));
  }
}

void Swinunet::add_decoder(const std::vector<BlockShape>& shapes,
                           const std::vector<std::vector<double>>& drop_path) {
  const auto expansion = [](const BlockShape& shape) {
    return std::make_shared<PatchExpand>(shape.channels, shape.channels / 2, 2);
  };
  const auto layers = register_module("layers_up", std::make_shared<torch::nn::Module>());
  expand_.push_back(layers->register_module("0", expansion(shapes.back())));
  for (std::size_t i = 1; i < kStages; ++i) {
    const auto& shape = shapes[kStages - 1 - i];
    const auto number = std::to_string(i);
    decoder_.push_back(layers->register_module(
        number, std::make_shared<Stage>(shape, drop_path[kStages - 1 - i], "decoder" + number,
                                        checkpointing_)));
    if (i + 1 < kStages)
      expand_.push_back(decoder_.back()->register_module("upsample", expansion(shape)));
  }
  const auto joins = register_module("concat_back_dim", std::make_shared<torch::nn::Module>());
  for (std::size_t i = 1; i < kStages; ++i) {
    const auto channels = shapes[kStages - 1 - i].channels;
    join_.push_back(joins->register_module(std::to_string(i),
                                           std::make_shared<Linear>(2 * channels, channels)));
  }
}

/// Linear layers and tables normal (the authors cut at +-2, a hundred deviations away), their
/// biases 0; the convolution starts as PyTorch's, the norms at 1 and 0.
void Swinunet::draw_weights() {
  const torch::NoGradGuard no_grad;
  for (const auto& module : modules(/*include_self=*/false)) {
    if (const auto* linear = dynamic_cast<const Linear*>(module.get())) {
      linear->weight.normal_(0, kWeightSpread);
      if (linear->bias.defined()) linear->bias.zero_();
    }
    if (const auto* attention = dynamic_cast<const WindowAttention*>(module.get()))
      attention->relative_position_bias_table.normal_(0, kWeightSpread);
  }
}

std::vector<std::int64_t> Swinunet::channels() const {
  const auto c = options_.embed_dim;
  if (averaged()) return {8 * c, 4 * c, 2 * c, c, c, c};
  return {8 * c, 4 * c, 2 * c, c, c};
}

std::vector<std::int64_t> Swinunet::strides() const {
  if (averaged()) return {32, 16, 8, 4, 2, 1};
  return {32, 16, 8, 4, 1};
}

std::size_t Swinunet::level_of(std::string_view name) const {
  constexpr std::string_view kDecoder = "layers_up.";
  constexpr std::string_view kJoin = "concat_back_dim.";
  const auto number_after = [name](std::string_view prefix) {
    return static_cast<std::size_t>(name[prefix.size()] - '0');
  };
  if (name.starts_with(kDecoder)) {
    const auto stage = number_after(kDecoder);
    const bool expands = stage == 0 || name.find(".upsample.") != std::string_view::npos;
    return expands ? stage + 1 : stage;
  }
  if (name.starts_with(kJoin)) return number_after(kJoin);
  if (name.starts_with("norm_up.")) return 3;
  return name.starts_with("up.") ? 4 : 0;
}

std::shared_ptr<Backbone> Swinunet::fresh() const {
  auto options = options_;
  options.drop_path = 0;
  return std::make_shared<Swinunet>(options, input_);
}

at::Tensor Swinunet::embed(const at::Tensor& image) const {
  return checkpointing_.run(
      "encoder1", {patch_embed_}, {image},
      [layer = patch_embed_](const networks::Maps& in) { return layer->forward(in[0]); });
}

at::Tensor Swinunet::down(std::size_t i, const at::Tensor& tokens) const {
  const auto out = encoder_[i]->forward(tokens);
  if (i + 1 == kStages) return norm_->forward(out);
  const auto& layer = merging_[i];
  return checkpointing_.run("encoder" + std::to_string(i + 1), {layer}, {out},
                            [layer](const networks::Maps& in) { return layer->forward(in[0]); });
}

at::Tensor Swinunet::up(std::size_t i, const at::Tensor& tokens, const at::Tensor& skip) const {
  const auto& expand = expand_[i - 1];
  const auto& join = join_[i - 1];
  const auto piece = [expand, join](const networks::Maps& in) {
    return on_tokens(*join, at::cat({expand->forward(in[0]), in[1]}, -1));
  };
  const auto out = decoder_[i - 1]->forward(
      checkpointing_.run("decoder" + std::to_string(i), {expand, join}, {tokens, skip}, piece));
  return i + 1 == kStages ? norm_up_->forward(out) : out;
}

at::Tensor Swinunet::finest(const at::Tensor& tokens) const {
  return checkpointing_.run("decoder4", {up_}, {tokens}, [layer = up_](const networks::Maps& in) {
    return picture(layer->forward(in[0]));
  });
}

std::vector<at::Tensor> Swinunet::levels(const at::Tensor& x, std::size_t count) {
  networks::check_input("swinunet", x, input_.channels, 2, size_divisor());
  auto tokens = embed(options_.repeat3 ? x.expand({-1, 3, -1, -1}) : x);
  std::vector<at::Tensor> skips;  // what goes into each stage, finest first
  for (std::size_t i = 0; i < kStages; ++i) {
    skips.push_back(tokens);
    tokens = down(i, tokens);
  }
  std::vector<at::Tensor> maps{picture(tokens)};
  for (std::size_t i = 1; i < std::min(count, kStages); ++i) {
    skips.pop_back();
    tokens = up(i, tokens, skips.back());
    maps.push_back(picture(tokens));
  }
  if (count <= kStages) return maps;
  const auto last = finest(tokens);
  if (averaged()) maps.push_back(at::avg_pool2d(last, 2));
  if (maps.size() < count) maps.push_back(last);
  return maps;
}

}  // namespace covector::swinunet
