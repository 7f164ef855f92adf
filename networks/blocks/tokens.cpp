#include "covector/networks/tokens.h"

#include <torch/types.h>

namespace covector::networks {

at::Tensor on_tokens(const Linear& layer, const at::Tensor& tokens) {
  return at::linear(tokens, layer.weight, layer.bias);
}

Mlp::Mlp(std::int64_t channels, std::int64_t hidden, double dropout)
    : dropout_(dropout),
      fc1_(register_module("fc1", std::make_shared<Linear>(channels, hidden))),
      fc2_(register_module("fc2", std::make_shared<Linear>(hidden, channels))) {}

Mlp::~Mlp() = default;

at::Tensor Mlp::forward(const at::Tensor& tokens) const {
  const auto drop = [this](const at::Tensor& x) {
    return dropout_ > 0 ? at::dropout(x, dropout_, is_training()) : x;
  };
  return drop(on_tokens(*fc2_, drop(at::gelu(on_tokens(*fc1_, tokens)))));
}

at::Tensor drop_path(const at::Tensor& branch, double rate, bool training) {
  if (!training || rate == 0) return branch;
  std::vector<std::int64_t> shape(branch.dim(), 1);
  shape[0] = branch.size(0);
  const auto kept = at::empty(shape, branch.options()).bernoulli_(1 - rate);
  return branch * kept.div_(1 - rate);
}

}  // namespace covector::networks
