#include "covector/networks/momentum.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

namespace covector::networks {
namespace {

using Tensors = torch::OrderedDict<std::string, at::Tensor>;

struct Paired {
  std::vector<at::Tensor> from, to;
};

// The tensors of the names that both must have, side by side.
Paired pair_up(const Tensors& from, const Tensors& to) {
  Paired pairs;
  for (const auto& item : from) {
    const auto* other = to.find(item.key());
    if (other == nullptr || other->sizes() != item.value().sizes())
      throw std::invalid_argument("the copy has no '" + item.key() + "' of this shape");
    pairs.from.push_back(item.value());
    pairs.to.push_back(*other);
  }
  for (const auto& item : to)
    if (!from.contains(item.key()))
      throw std::invalid_argument("only the copy has a '" + item.key() + "'");
  return pairs;
}

void copy(const Tensors& from, const Tensors& to) {
  const auto pairs = pair_up(from, to);
  if (!pairs.to.empty()) at::_foreach_copy_(pairs.to, pairs.from);
}

}  // namespace

void copy_weights(const torch::nn::Module& from, torch::nn::Module& to) {
  const torch::NoGradGuard no_grad;
  copy(from.named_parameters(), to.named_parameters());
  copy(from.named_buffers(), to.named_buffers());
}

void freeze(torch::nn::Module& module) {
  for (auto& parameter : module.parameters()) parameter.set_requires_grad(false);
}

void follow(const torch::nn::Module& online, torch::nn::Module& copy, double momentum) {
  const torch::NoGradGuard no_grad;
  const auto pairs = pair_up(online.named_parameters(), copy.named_parameters());
  if (!pairs.to.empty()) at::_foreach_lerp_(pairs.to, pairs.from, 1 - momentum);
}

at::Tensor squared_distance(const torch::nn::Module& online, const torch::nn::Module& copy) {
  const torch::NoGradGuard no_grad;
  const auto pairs = pair_up(online.named_parameters(), copy.named_parameters());
  return at::stack(at::_foreach_norm(at::_foreach_sub(pairs.from, pairs.to), 2)).square().sum();
}

double cosine_momentum(double base, std::int64_t step, std::int64_t total) {
  const auto share = static_cast<double>(step) / static_cast<double>(total);
  return 1 - (1 - base) * (std::cos(std::numbers::pi * share) + 1) / 2;
}

}  // namespace covector::networks
