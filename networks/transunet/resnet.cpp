#include "resnet.h"

#include <torch/types.h>

#include <algorithm>
#include <string>

namespace covector::transunet {
namespace {

using networks::GroupNorm;

constexpr std::int64_t kGroups = 32;
constexpr double kNormEpsilon = 1e-6;  // that of the shortcuts is GroupNorm's own 1e-5
constexpr double kRelu = 0;            // its slope
constexpr std::int64_t kExpansion = 4;

}  // namespace

ResnetUnit::ResnetUnit(std::int64_t in, std::int64_t width, std::int64_t stride) {
  const auto out = kExpansion * width;
  const std::int64_t channels[] = {in, width, width, out};
  for (int i = 0; i < 3; ++i) {
    const auto number = std::to_string(i + 1);
    norm_[i] = register_module("gn" + number,
                               std::make_shared<GroupNorm>(kGroups, channels[i + 1], kNormEpsilon));
    conv_[i] = register_module("conv" + number, std::make_shared<BiaslessConv>(
                                                    channels[i], channels[i + 1], i == 1 ? 3 : 1,
                                                    Filters::standardized, i == 1 ? stride : 1));
  }
  if (stride == 1 && in == out) return;
  shortcut_ = register_module(
      "downsample", std::make_shared<BiaslessConv>(in, out, 1, Filters::standardized, stride));
  shortcut_norm_ = register_module("gn_proj", std::make_shared<GroupNorm>(out, out));
}

at::Tensor ResnetUnit::forward(const at::Tensor& x) const {
  auto y = x;
  for (int i = 0; i < 3; ++i) {
    const bool last = i == 2;  // whose ReLU follows the sum
    y = norm_[i]->forward(conv_[i]->forward(y), last ? 1 : kRelu);
  }
  y = y + (shortcut_ ? shortcut_norm_->forward(shortcut_->forward(x)) : x);
  return at::relu_(y);
}

Resnet::Resnet(std::int64_t in, std::int64_t width, const std::vector<std::int64_t>& units,
               networks::Checkpointing checkpointing)
    : checkpointing_(std::move(checkpointing)) {
  const auto root = register_module("root", std::make_shared<torch::nn::Module>());
  root_ = root->register_module(
      "conv", std::make_shared<BiaslessConv>(in, width, 7, Filters::standardized, 2));
  root_norm_ =
      root->register_module("gn", std::make_shared<GroupNorm>(kGroups, width, kNormEpsilon));
  const auto body = register_module("body", std::make_shared<torch::nn::Module>());
  auto channels = width;
  for (std::size_t stage = 0; stage < units.size(); ++stage) {
    const auto block = body->register_module("block" + std::to_string(stage + 1),
                                             std::make_shared<torch::nn::Module>());
    auto& list = stages_.emplace_back();
    for (std::int64_t unit = 0; unit < units[stage]; ++unit) {
      const std::int64_t stride = stage > 0 && unit == 0 ? 2 : 1;
      list.push_back(
          block->register_module("unit" + std::to_string(unit + 1),
                                 std::make_shared<ResnetUnit>(channels, width << stage, stride)));
      channels = kExpansion * (width << stage);
    }
  }
}

at::Tensor Resnet::root(const at::Tensor& x) const {
  const auto piece = [conv = root_, norm = root_norm_](const networks::Maps& in) {
    return norm->forward(conv->forward(in[0]), kRelu);
  };
  return checkpointing_.run("encoder1", {root_, root_norm_}, {x}, piece);
}

at::Tensor Resnet::stage(std::size_t i, at::Tensor x) const {
  for (const auto& unit : stages_.at(i)) {
    const bool first = i == 0 && unit == stages_[0].front();
    const auto piece = [unit, first](const networks::Maps& in) {
      // Without padding: from H / 2 to H / 4 - 1.
      return unit->forward(first ? at::max_pool2d(in[0], 3, 2) : in[0]);
    };
    x = checkpointing_.run("encoder" + std::to_string(i + 2), {unit}, {x}, piece);
  }
  return x;
}

std::vector<at::Tensor> Resnet::forward(const at::Tensor& x) const {
  std::vector<at::Tensor> maps{root(x)};
  for (std::size_t i = 0; i < stages_.size(); ++i) maps.push_back(stage(i, maps.back()));
  // Only what the decoder sees is padded; the next stage has seen the map as it was.
  auto& short_map = maps.at(1);
  const auto rows = maps[0].size(2) / 2 - short_map.size(2);
  const auto columns = maps[0].size(3) / 2 - short_map.size(3);
  short_map = at::constant_pad_nd(short_map, {0, columns, 0, rows});
  std::reverse(maps.begin(), maps.end());
  return maps;
}

}  // namespace covector::transunet
