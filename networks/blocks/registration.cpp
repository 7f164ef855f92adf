#include "covector/networks/registration.h"

#include <torch/types.h>
#include <torch/utils.h>

namespace covector::networks {

RestorationHead::RestorationHead(std::int64_t dimensions, std::int64_t in, std::int64_t channels,
                                 ConvStart start) {
  constexpr std::int64_t kWidth = 16;
  constexpr std::int64_t kChannelsAGroup = 4;
  hidden_ = register_module(
      "hidden", std::make_shared<ConvBlock>(dimensions, in, kWidth, kChannelsAGroup, start));
  out_ = register_module("out", std::make_shared<Conv>(dimensions, kWidth, channels, 1, start));
}

RestorationHead::~RestorationHead() = default;

at::Tensor RestorationHead::forward(const at::Tensor& features) const {
  return out_->forward(hidden_->forward(features));
}

std::shared_ptr<Conv> flow_conv(std::int64_t dimensions, std::int64_t in, bool at_rest,
                                ConvStart start) {
  auto conv = std::make_shared<Conv>(dimensions, in, dimensions, 3, start);
  if (!at_rest) return conv;
  const torch::NoGradGuard no_grad;
  conv->weight.normal_(0, 1e-5);
  conv->bias.zero_();
  return conv;
}

}  // namespace covector::networks
