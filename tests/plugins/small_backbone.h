#pragma once

#include "covector/core/backbone.h"

#include <torch/nn/functional/pooling.h>
#include <torch/types.h>

#include <string>
#include <vector>

namespace covector::testing {

/// A smooth backbone small enough for finite differences: level l is tanh(W_l pool(x) + b_l) with
/// `pool` the average over stride x stride (x stride) voxels. Float64.
class SmallBackbone final : public Backbone {
 public:
  explicit SmallBackbone(const InputSpec& input, std::vector<std::int64_t> channels = {6, 5, 4},
                         std::vector<std::int64_t> strides = {4, 2, 1})
      : dimensions_(input.dimensions), channels_(std::move(channels)), strides_(strides) {
    for (std::size_t level = 0; level < channels_.size(); ++level) {
      const auto name = std::to_string(level);
      weights_.push_back(register_parameter(
          "weight" + name, torch::randn({channels_[level], input.channels}, torch::kFloat64)));
      biases_.push_back(
          register_parameter("bias" + name, torch::randn({channels_[level]}, torch::kFloat64)));
    }
  }

  std::vector<at::Tensor> levels(const at::Tensor& x, std::size_t count) override {
    std::vector<at::Tensor> maps;
    for (std::size_t l = 0; l < count; ++l) maps.push_back(level(x, l));
    return maps;
  }
  std::vector<std::int64_t> channels() const override { return channels_; }
  std::vector<std::int64_t> strides() const override { return strides_; }
  std::int64_t size_divisor() const override { return strides_.front(); }
  std::int64_t dimensions() const override { return dimensions_; }
  std::size_t level_of(std::string_view name) const override {
    return static_cast<std::size_t>(name.back() - '0');
  }
  std::shared_ptr<Backbone> fresh() const override {
    return std::make_shared<SmallBackbone>(InputSpec{weights_[0].size(1), dimensions_}, channels_,
                                           strides_);
  }

 private:
  at::Tensor level(const at::Tensor& x, std::size_t l) {
    namespace F = torch::nn::functional;
    const auto pooled = dimensions_ == 2 ? F::avg_pool2d(x, F::AvgPool2dFuncOptions(strides_[l]))
                                         : F::avg_pool3d(x, F::AvgPool3dFuncOptions(strides_[l]));
    const auto linear = torch::matmul(pooled.movedim(1, -1), weights_[l].t()) + biases_[l];
    return torch::tanh(linear.movedim(-1, 1));
  }

  std::int64_t dimensions_;
  std::vector<std::int64_t> channels_;
  std::vector<std::int64_t> strides_;
  std::vector<at::Tensor> weights_;
  std::vector<at::Tensor> biases_;
};

}  // namespace covector::testing
