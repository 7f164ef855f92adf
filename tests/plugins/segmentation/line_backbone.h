#pragma once

#include "covector/core/backbone.h"

#include <torch/types.h>

#include <memory>
#include <string_view>
#include <vector>

namespace covector::testing {

/// A backbone whose finest map can be written down: (s x + t, 2 (s x + t) + 1, 5) for an image x of
/// one channel, with s the encoder's only weight, 1 at first, and t the decoder's, 0 at first.
class LineBackbone final : public Backbone {
 public:
  explicit LineBackbone(std::int64_t dimensions) : dimensions_(dimensions) {
    encoder = register_module("encoder", std::make_shared<torch::nn::Module>("encoder"));
    decoder = register_module("decoder", std::make_shared<torch::nn::Module>("decoder"));
    scale_ = encoder->register_parameter("scale", torch::ones(1));
    shift_ = decoder->register_parameter("shift", torch::zeros(1));
  }
  std::vector<at::Tensor> levels(const at::Tensor& x, std::size_t) override {
    for (const auto side : x.sizes().slice(2))
      if (side % size_divisor() != 0) throw std::invalid_argument("side is odd");
    const auto line = scale_ * x + shift_;
    saw_gradient = line.requires_grad();
    return {torch::cat({line, 2 * line + 1, torch::full_like(line, 5)}, 1)};
  }
  std::vector<std::int64_t> channels() const override { return {3}; }
  std::vector<std::int64_t> strides() const override { return {1}; }
  std::int64_t size_divisor() const override { return 2; }
  std::int64_t dimensions() const override { return dimensions_; }
  std::size_t level_of(std::string_view name) const override {
    return name.starts_with("encoder.") ? 0 : 1;
  }
  std::shared_ptr<Backbone> fresh() const override {
    return std::make_shared<LineBackbone>(dimensions_);
  }

  std::shared_ptr<torch::nn::Module> encoder, decoder;
  bool saw_gradient = false;  // whether the last pyramid() could be trained through

 private:
  std::int64_t dimensions_;
  at::Tensor scale_, shift_;
};

}  // namespace covector::testing
