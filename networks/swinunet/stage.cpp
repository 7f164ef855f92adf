#include "stage.h"

#include <torch/types.h>

#include <algorithm>

namespace covector::swinunet {

Block::Block(const BlockShape& shape, bool shifted, double drop_path)
    : window_(shape.window), shift_(shifted ? shape.window / 2 : 0), drop_path_(drop_path) {
  const auto hidden =
      static_cast<std::int64_t>(static_cast<double>(shape.channels) * shape.mlp_ratio);
  norm1_ = register_module("norm1", std::make_shared<networks::LayerNorm>(shape.channels));
  attention_ = register_module(
      "attn", std::make_shared<WindowAttention>(shape.channels, shape.heads, shape.window));
  norm2_ = register_module("norm2", std::make_shared<networks::LayerNorm>(shape.channels));
  mlp_ = register_module("mlp", std::make_shared<networks::Mlp>(shape.channels, hidden));
}

at::Tensor Block::forward(const at::Tensor& map) {
  const auto branch = [this](const at::Tensor& x) {
    return networks::drop_path(x, drop_path_, is_training());
  };
  const auto attended = map + branch(attend(norm1_->forward(map)));
  return attended + branch(mlp_->forward(norm2_->forward(attended)));
}

at::Tensor Block::attend(const at::Tensor& map) {
  const auto height = map.size(1);
  const auto width = map.size(2);
  const auto below = (window_ - height % window_) % window_;
  const auto right = (window_ - width % window_) % window_;
  auto filled = below + right > 0 ? at::constant_pad_nd(map, {0, 0, 0, right, 0, below}) : map;
  const auto rows = filled.size(1);
  const auto columns = filled.size(2);
  const auto shift = std::min(rows, columns) > window_ ? shift_ : 0;
  if (shift > 0) filled = filled.roll({-shift, -shift}, {1, 2});
  const auto windows =
      attention_->forward(windows_of(filled, window_), shift > 0 ? mask(filled) : at::Tensor());
  auto out = map_of(windows, window_, rows, columns);
  if (shift > 0) out = out.roll({shift, shift}, {1, 2});
  return out.slice(1, 0, height).slice(2, 0, width);
}

const at::Tensor& Block::mask(const at::Tensor& map) {
  const std::vector<std::int64_t> size{map.size(1), map.size(2)};
  const bool known = mask_.defined() && size == mask_size_ && mask_.dtype() == map.dtype() &&
                     mask_.device() == map.device();
  if (!known) {
    mask_ = shift_mask(size[0], size[1], window_, shift_, map.options());
    mask_size_ = size;
  }
  return mask_;
}

Stage::Stage(const BlockShape& shape, const std::vector<double>& drop_path, std::string name,
             networks::Checkpointing checkpointing)
    : name_(std::move(name)), checkpointing_(std::move(checkpointing)) {
  const auto blocks = register_module("blocks", std::make_shared<torch::nn::Module>());
  for (std::size_t i = 0; i < drop_path.size(); ++i)
    blocks_.push_back(blocks->register_module(
        std::to_string(i), std::make_shared<Block>(shape, i % 2 == 1, drop_path[i])));
}

at::Tensor Stage::forward(const at::Tensor& map) const {
  auto out = map;
  for (const auto& block : blocks_)
    out = checkpointing_.run(name_, {block}, {out},
                             [block](const networks::Maps& in) { return block->forward(in[0]); });
  return out;
}

}  // namespace covector::swinunet
