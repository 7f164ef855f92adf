#include "unet.h"

#include "covector/networks/published.h"

#include <torch/types.h>

namespace covector::unet {

using networks::DoubleConv;

void Options::describe(Schema<Options>& schema) {
  schema.summary("U-Net of five scales, GroupNorm and LeakyReLU, in 2D and 3D.")
      .source(
          "O. Ronneberger et al., U-Net, MICCAI 2015, as in the code of Y. He, S. Li, Vector "
          "Contrastive Learning, ICCV 2025")
      .departure(
          "GVSL's 3D U-Net by the same authors differs in align_corners = true and in padding its "
          "input to multiples of 16; this one asks for such sizes.");
  schema.field("channels", &Options::channels)
      .doc("width of the five encoder scales, then of the four decoder scales")
      .require([](const auto& channels) { return channels.size() == 9; }, "nine numbers")
      .require(
          [](const auto& channels) {
            return std::all_of(channels.begin(), channels.end(),
                               [](std::int64_t c) { return c > 0 && c % 8 == 0; });
          },
          "positive multiples of 8, the size of a normalisation group");
  schema.field("align_corners", &Options::align_corners)
      .doc("whether upsampling keeps the corner centres in place");
  networks::describe_checkpoint(schema.field("checkpoint", &Options::checkpoint),
                                networks::stage_names(5, 4));
}

Unet::Unet(const Options& options, const InputSpec& input)
    : options_(options), input_(input), checkpointing_(options.checkpoint) {
  const auto& c = options_.channels;
  const auto d = input_.dimensions;
  // Registered one module deeper than needed where the authors' checkpoints have it so.
  down_.push_back(register_module("inc", std::make_shared<DoubleConv>(d, input_.channels, c[0])));
  for (std::size_t i = 1; i <= 4; ++i) {
    const auto scale =
        register_module("down" + std::to_string(i), std::make_shared<torch::nn::Module>());
    const auto sequence =
        scale->register_module("maxpool_conv", std::make_shared<torch::nn::Module>());
    down_.push_back(
        sequence->register_module("1", std::make_shared<DoubleConv>(d, c[i - 1], c[i])));
  }
  for (std::size_t i = 1; i <= 4; ++i) {
    const auto scale =
        register_module("up" + std::to_string(i), std::make_shared<torch::nn::Module>());
    const auto in = c[3 + i] + c[4 - i];
    up_.push_back(scale->register_module("conv", std::make_shared<DoubleConv>(d, in, c[4 + i])));
  }
}

std::vector<std::int64_t> Unet::channels() const {
  return {options_.channels.begin() + 4, options_.channels.end()};
}

std::size_t Unet::level_of(std::string_view name) const {
  return name.starts_with("up") ? static_cast<std::size_t>(name[2] - '0') : 0;
}

std::shared_ptr<Backbone> Unet::fresh() const {
  return std::make_shared<Unet>(options_, input_);
}

// The authors save the network inside the model of their method.
Translation Unet::from_published(StateDict published) const {
  Translation translation{std::move(published), {}, {}};
  networks::leave_out(
      translation,
      [](const std::string& name) { return name.starts_with("proj.") || name == "mov.grid"; },
      "of COVER's vectors, not of the network");
  return translation;
}

std::vector<at::Tensor> Unet::encoder(const at::Tensor& x) const {
  networks::check_input("unet", x, input_.channels, input_.dimensions, size_divisor());
  std::vector<at::Tensor> maps;
  for (std::size_t i = 0; i < down_.size(); ++i) {
    const auto& block = down_[i];
    const auto piece = [block, first = i == 0](const networks::Maps& in) {
      return block->forward(first ? in[0] : networks::max_pool(in[0], 2));
    };
    maps.push_back(checkpointing_.run("encoder" + std::to_string(i + 1), {block},
                                      {i == 0 ? x : maps.back()}, piece));
  }
  return maps;
}

at::Tensor Unet::up(std::size_t i, const at::Tensor& skip, const at::Tensor& map) const {
  const auto& block = up_.at(i);
  const auto piece = [block, align_corners = options_.align_corners](const networks::Maps& in) {
    const auto joined = at::cat({in[0], networks::upsample_linear(in[1], 2, align_corners)}, 1);
    return block->forward(joined);
  };
  return checkpointing_.run("decoder" + std::to_string(i + 1), {block}, {skip, map}, piece);
}

std::vector<at::Tensor> Unet::levels(const at::Tensor& x, std::size_t count) {
  auto skips = encoder(x);
  std::vector<at::Tensor> maps{skips.back()};
  for (std::size_t i = 0; i + 1 < count; ++i) {
    skips.pop_back();
    maps.push_back(up(i, skips.back(), maps.back()));
  }
  return maps;
}

}  // namespace covector::unet
