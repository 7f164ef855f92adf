#include "window_attention.h"

#include "covector/networks/tokens.h"

#include <torch/types.h>

#include <cmath>

namespace covector::swinunet {

using networks::Linear;
using networks::on_tokens;

at::Tensor windows_of(const at::Tensor& map, std::int64_t window) {
  const auto rows = map.size(1) / window;
  const auto columns = map.size(2) / window;
  return map.reshape({map.size(0), rows, window, columns, window, map.size(3)})
      .transpose(2, 3)
      .reshape({-1, window * window, map.size(3)});
}

at::Tensor map_of(const at::Tensor& windows, std::int64_t window, std::int64_t height,
                  std::int64_t width) {
  const auto channels = windows.size(-1);
  return windows.reshape({-1, height / window, width / window, window, window, channels})
      .transpose(2, 3)
      .reshape({-1, height, width, channels});
}

at::Tensor relative_positions(std::int64_t window) {
  const auto side = torch::arange(window);
  const auto row = side.repeat_interleave(window);
  const auto column = side.repeat({window});
  const auto apart = [&](const at::Tensor& position) {
    return position.unsqueeze(1) - position.unsqueeze(0) + (window - 1);
  };
  return apart(row) * (2 * window - 1) + apart(column);
}

at::Tensor shift_mask(std::int64_t height, std::int64_t width, std::int64_t window,
                      std::int64_t shift, const at::TensorOptions& options) {
  const auto band = [&](std::int64_t side) {
    const auto place = torch::arange(side, options.dtype(torch::kLong));
    return (place >= side - window).to(torch::kLong) + (place >= side - shift).to(torch::kLong);
  };
  const auto region = 3 * band(height).unsqueeze(1) + band(width).unsqueeze(0);
  const auto tokens = windows_of(region.view({1, height, width, 1}), window).squeeze(-1);
  return (tokens.unsqueeze(1) != tokens.unsqueeze(2)).to(options) * -100;
}

WindowAttention::WindowAttention(std::int64_t channels, std::int64_t heads, std::int64_t window)
    : heads_(heads), positions_(relative_positions(window)) {
  const auto rows = (2 * window - 1) * (2 * window - 1);
  relative_position_bias_table =
      register_parameter("relative_position_bias_table", torch::zeros({rows, heads}));
  qkv_ = register_module("qkv", std::make_shared<Linear>(channels, 3 * channels));
  proj_ = register_module("proj", std::make_shared<Linear>(channels, channels));
}

at::Tensor WindowAttention::bias() {
  positions_ = positions_.to(relative_position_bias_table.device());
  // Not index_select: its gradient adds up in no fixed order on CUDA.
  return relative_position_bias_table.index({positions_}).permute({2, 0, 1});
}

at::Tensor WindowAttention::forward(const at::Tensor& windows, const at::Tensor& mask) {
  const auto tokens = windows.size(1);
  const auto channels = windows.size(2);
  const auto head_dim = channels / heads_;
  const auto parts = on_tokens(*qkv_, windows)
                         .reshape({-1, tokens, 3, heads_, head_dim})
                         .permute({2, 0, 3, 1, 4})
                         .unbind(0);
  const auto queries = parts[0] / std::sqrt(static_cast<double>(head_dim));
  auto scores = at::matmul(queries, parts[1].transpose(-2, -1));  // [N n, heads, tokens, tokens]
  if (mask.defined()) {
    const auto added = bias().unsqueeze(0) + mask.unsqueeze(1);  // [n, heads, tokens, tokens]
    scores = (scores.view({-1, mask.size(0), heads_, tokens, tokens}) + added).flatten(0, 1);
  } else {
    scores = scores + bias();
  }
  const auto attended = at::matmul(scores.softmax(-1), parts[2]);
  return on_tokens(*proj_, attended.transpose(1, 2).reshape({-1, tokens, channels}));
}

}  // namespace covector::swinunet
