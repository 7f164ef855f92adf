#include "deformer.h"

#include <torch/types.h>

namespace covector::gemini {

using networks::ConvBlock;
using networks::ConvStart;

Deformer::Deformer(std::int64_t dimensions, std::int64_t channels, bool at_rest)
    : corners_kept_(dimensions == 3) {
  constexpr std::int64_t kChannelsAGroup = 8;
  const auto c = channels;
  const auto block = [&](const std::string& name, std::int64_t in, std::int64_t out) {
    return register_module(
        name, std::make_shared<ConvBlock>(dimensions, in, out, kChannelsAGroup, ConvStart::normal));
  };
  inc_ = block("inc", 2 * c, c);
  down_ = {block("down1", c, 2 * c), block("down2", 2 * c, 2 * c)};
  up_ = {block("up1", 4 * c, 2 * c), block("up2", 3 * c, c)};
  flow_ = register_module("flow", networks::flow_conv(dimensions, c, at_rest, ConvStart::normal));
}

at::Tensor Deformer::forward(const at::Tensor& moving, const at::Tensor& fixed) const {
  const auto fine = inc_->forward(torch::cat({moving, fixed}, 1));
  const auto half = down_[0]->forward(networks::max_pool(fine, 2));
  const auto quarter = down_[1]->forward(networks::max_pool(half, 2));
  const auto joined = [&](const ConvBlock& block, const at::Tensor& deeper,
                          const at::Tensor& skipped) {
    return block.forward(
        torch::cat({networks::upsample_linear(deeper, 2, corners_kept_), skipped}, 1));
  };
  const auto flow = flow_->forward(joined(*up_[1], joined(*up_[0], quarter, half), fine));
  return flow.to(at::promote_types(flow.scalar_type(), at::kFloat));
}

}  // namespace covector::gemini
