#include "transunet.h"

#include "covector/core/error.h"

#include <torch/types.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace covector::transunet {
namespace {

constexpr std::int64_t kStride = 16;
constexpr std::int64_t kLeastSide = 32;

bool repeats(const Options& options, const InputSpec& input) {
  return options.repeat3 && input.channels == 1;
}

// At stride 16 the normalisation of the shortcuts takes each channel by itself: of a single pixel
// it leaves nothing.
void check_sides(const at::Tensor& x) {
  if (x.size(2) >= kLeastSide && x.size(3) >= kLeastSide) return;
  std::ostringstream text;
  text << "transunet input: sides must be at least " << kLeastSide << ", got " << x.sizes()
       << "; take larger crops or pad the image";
  throw std::invalid_argument(text.str());
}

}  // namespace

Transunet::Transunet(const Options& options, const InputSpec& input)
    : options_(options), input_(input) {
  if (input_.dimensions != 2)
    throw RecipeError(
        "[backbone] 'transunet' takes 2D images, the dataset yields volumes; take \"unet\", or "
        "read "
        "their slices");
  const auto in = repeats(options_, input_) ? 3 : input_.channels;
  const auto width = options_.width;
  const TransformerShape shape{options_.layers, options_.hidden,  options_.mlp,
                               options_.heads,  options_.dropout, options_.attention_dropout};
  const auto transformer = register_module("transformer", std::make_shared<torch::nn::Module>());
  const networks::Checkpointing checkpointing(options_.checkpoint);
  resnet_ = std::make_shared<Resnet>(in, width, options_.units, checkpointing);
  embeddings_ = transformer->register_module(
      "embeddings",
      std::make_shared<Embeddings>(resnet_, 16 * width, options_.image_size / kStride, shape));
  transformer_ =
      transformer->register_module("encoder", std::make_shared<Encoder>(shape, checkpointing));
  decoder_ = register_module(
      "decoder", std::make_shared<Decoder>(
                     options_.hidden, options_.channels,
                     std::vector<std::int64_t>{8 * width, 4 * width, width, 0}, checkpointing));
}

std::vector<at::Tensor> Transunet::encoder(const at::Tensor& x) const {
  networks::check_input("transunet", x, input_.channels, input_.dimensions, size_divisor());
  check_sides(x);
  auto maps = resnet_->forward(repeats(options_, input_) ? x.repeat({1, 3, 1, 1}) : x);
  const auto tokens = transformer_->forward(embeddings_->forward(maps[0]));
  maps[0] = tokens.transpose(1, 2).contiguous().unflatten(2, maps[0].sizes().slice(2));
  return maps;
}

at::Tensor Transunet::encode(const at::Tensor& x) {
  return encoder(x).front();
}

std::vector<at::Tensor> Transunet::levels(const at::Tensor& x, std::size_t count) {
  auto maps = encoder(x);
  const auto coarsest = maps.front();
  maps.erase(maps.begin());
  return decoder_->levels(coarsest, maps, count);
}

void Transunet::check_batch(const std::vector<std::int64_t>& size, std::int64_t) const {
  if (std::all_of(size.begin(), size.end(), [](auto side) { return side >= kLeastSide; })) return;
  throw RecipeError("[backbone] 'transunet' takes sides of at least " + std::to_string(kLeastSide) +
                    ": at stride 16 it normalises each channel by itself, and of a single pixel "
                    "that leaves nothing. Take larger views");
}

std::size_t Transunet::level_of(std::string_view name) const {
  constexpr std::string_view kBlocks = "decoder.blocks.";
  return name.starts_with(kBlocks) ? static_cast<std::size_t>(name[kBlocks.size()] - '0') + 1 : 0;
}

bool Transunet::in_encoder(std::string_view name) const {
  return name.starts_with("transformer.");
}

std::shared_ptr<Backbone> Transunet::fresh() const {
  auto options = options_;
  options.dropout = options.attention_dropout = 0;
  return std::make_shared<Transunet>(options, input_);
}

}  // namespace covector::transunet
