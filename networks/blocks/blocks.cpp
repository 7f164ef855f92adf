#include "covector/networks/blocks.h"

#include "covector/core/check.h"
#include "covector/networks/group_norm.h"
#include "ops/linear_resize.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>

namespace covector::networks {
namespace {

constexpr double kSlope = 0.2;
constexpr std::int64_t kChannelsPerGroup = 8;

}  // namespace

Conv::Conv(std::int64_t dimensions, std::int64_t in, std::int64_t out, std::int64_t kernel,
           ConvStart start) {
  if (dimensions != 2 && dimensions != 3)
    throw std::invalid_argument("a convolution runs over 2 or 3 axes, not " +
                                std::to_string(dimensions));
  if (in < 1 || out < 1)
    throw std::invalid_argument("a convolution needs at least one channel in and out, got " +
                                std::to_string(in) + " and " + std::to_string(out));
  std::vector<std::int64_t> shape{out, in};
  shape.resize(dimensions + 2, kernel);
  weight = register_parameter("weight", torch::empty(shape));
  bias = register_parameter("bias", torch::empty({out}));
  const torch::NoGradGuard no_grad;
  const auto bound = 1 / std::sqrt(static_cast<double>(fan_in()));
  weight.uniform_(-bound, bound);
  bias.uniform_(-bound, bound);
  if (start == ConvStart::normal) weight.normal_(0, std::sqrt(2.0 / static_cast<double>(fan_in())));
}

Conv::~Conv() = default;

std::int64_t Conv::fan_in() const {
  return weight.numel() / weight.size(0);
}

at::Tensor Conv::forward(const at::Tensor& x) const {
  const auto padding = weight.size(2) / 2;
  // Not at::convolution: autocast knows these two names only.
  return weight.dim() == 4 ? at::conv2d(x, weight, bias, 1, padding)
                           : at::conv3d(x, weight, bias, 1, padding);
}

GroupNorm::GroupNorm(std::int64_t groups, std::int64_t channels, double eps)
    : groups_(groups), eps_(eps) {
  weight = register_parameter("weight", torch::ones({channels}));
  bias = register_parameter("bias", torch::zeros({channels}));
}

GroupNorm::~GroupNorm() = default;

at::Tensor GroupNorm::forward(const at::Tensor& x, double slope) const {
  return group_norm(x, groups_, weight, bias, eps_, slope);
}

ConvBlock::ConvBlock(std::int64_t dimensions, std::int64_t in, std::int64_t out,
                     std::int64_t channels_a_group, ConvStart start) {
  const auto groups = out % channels_a_group == 0 ? out / channels_a_group : 1;
  conv_ = register_module("conv", std::make_shared<Conv>(dimensions, in, out, 3, start));
  norm_ = register_module("norm", std::make_shared<GroupNorm>(groups, out));
}

ConvBlock::~ConvBlock() = default;

at::Tensor ConvBlock::forward(const at::Tensor& x) const {
  return norm_->forward(conv_->forward(x), kSlope);
}

DoubleConv::DoubleConv(std::int64_t dimensions, std::int64_t in, std::int64_t out,
                       ConvStart start) {
  const auto sequence = register_module("double_conv", std::make_shared<torch::nn::Module>());
  for (int i = 0; i < 2; ++i) {
    const auto first = std::to_string(3 * i);  // the activations count as 2 and 5
    const auto second = std::to_string(3 * i + 1);
    conv_[i] = sequence->register_module(
        first, std::make_shared<Conv>(dimensions, i == 0 ? in : out, out, 3, start));
    norm_[i] = sequence->register_module(second,
                                         std::make_shared<GroupNorm>(out / kChannelsPerGroup, out));
  }
}

DoubleConv::~DoubleConv() = default;

at::Tensor DoubleConv::forward(const at::Tensor& x) const {
  auto y = x;
  for (int i = 0; i < 2; ++i) y = norm_[i]->forward(conv_[i]->forward(y), kSlope);
  return y;
}

at::Tensor max_pool(const at::Tensor& x, std::int64_t factor) {
  return x.dim() == 4 ? at::max_pool2d(x, factor) : at::max_pool3d(x, factor);
}

at::Tensor upsample_linear(const at::Tensor& x, std::int64_t factor, bool align_corners) {
  auto size = x.sizes().slice(2).vec();
  for (auto& side : size) side *= factor;
  return ops::linear_resize(x, size, align_corners);
}

void check_input(std::string_view network, const at::Tensor& x, std::int64_t channels,
                 std::int64_t dimensions, std::int64_t divisor) {
  std::vector<std::int64_t> expected{kAny, channels};
  expected.resize(dimensions + 2, kAny);
  check_shape(std::string(network) + " input", x, expected);
  const auto sides = x.sizes().slice(2);
  if (std::all_of(sides.begin(), sides.end(),
                  [=](std::int64_t side) { return side > 0 && side % divisor == 0; }))
    return;
  std::ostringstream text;
  text << network << " input: sides must be multiples of " << divisor << ", got " << x.sizes()
       << "; crop or pad the image";
  throw std::invalid_argument(text.str());
}

}  // namespace covector::networks
