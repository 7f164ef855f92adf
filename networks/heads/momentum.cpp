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

// Calls act(from, to) for every name that both must have.
template <class Act>
void pair_up(const Tensors& from, const Tensors& to, Act act) {
  for (const auto& item : from) {
    const auto* other = to.find(item.key());
    if (other == nullptr || other->sizes() != item.value().sizes())
      throw std::invalid_argument("the copy has no '" + item.key() + "' of this shape");
    act(item.value(), *other);
  }
  for (const auto& item : to)
    if (!from.contains(item.key()))
      throw std::invalid_argument("only the copy has a '" + item.key() + "'");
}

}  // namespace

void copy_weights(const torch::nn::Module& from, torch::nn::Module& to) {
  const torch::NoGradGuard no_grad;
  const auto copy = [](const at::Tensor& source, at::Tensor target) { target.copy_(source); };
  pair_up(from.named_parameters(), to.named_parameters(), copy);
  pair_up(from.named_buffers(), to.named_buffers(), copy);
}

void freeze(torch::nn::Module& module) {
  for (auto& parameter : module.parameters()) parameter.set_requires_grad(false);
}

void follow(const torch::nn::Module& online, torch::nn::Module& copy, double momentum) {
  const torch::NoGradGuard no_grad;
  pair_up(online.named_parameters(), copy.named_parameters(),
          [&](const at::Tensor& source, at::Tensor target) { target.lerp_(source, 1 - momentum); });
}

at::Tensor squared_distance(const torch::nn::Module& online, const torch::nn::Module& copy) {
  const torch::NoGradGuard no_grad;
  std::vector<at::Tensor> squares;
  pair_up(
      online.named_parameters(), copy.named_parameters(),
      [&](const at::Tensor& a, const at::Tensor& b) { squares.push_back((a - b).square().sum()); });
  return at::stack(squares).sum();
}

double cosine_momentum(double base, std::int64_t step, std::int64_t total) {
  const auto share = static_cast<double>(step) / static_cast<double>(total);
  return 1 - (1 - base) * (std::cos(std::numbers::pi * share) + 1) / 2;
}

}  // namespace covector::networks
