#include "unet.h"

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
}

Unet::Unet(const Options& options, const InputSpec& input) : options_(options), input_(input) {
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

std::vector<at::Tensor> Unet::encoder(const at::Tensor& x) const {
  networks::check_input("unet", x, input_.channels, input_.dimensions, size_divisor());
  std::vector<at::Tensor> maps{down_[0]->forward(x)};
  for (std::size_t i = 1; i < down_.size(); ++i)
    maps.push_back(down_[i]->forward(networks::max_pool(maps.back(), 2)));
  return maps;
}

std::vector<at::Tensor> Unet::levels(const at::Tensor& x, std::size_t count) {
  auto skips = encoder(x);
  std::vector<at::Tensor> maps{skips.back()};
  for (std::size_t i = 0; i + 1 < count; ++i) {
    skips.pop_back();
    const auto finer = networks::upsample_linear(maps.back(), 2, options_.align_corners);
    maps.push_back(up_.at(i)->forward(at::cat({skips.back(), finer}, 1)));
  }
  return maps;
}

}  // namespace covector::unet
