#pragma once

#include "covector/core/export.h"

#include <torch/nn/module.h>

#include <memory>

namespace covector::networks {

/// Copies parameters and buffers by name. Throws std::invalid_argument naming one that differs.
COVECTOR_API void copy_weights(const torch::nn::Module& from, torch::nn::Module& to);
/// Parameters take no gradient from now on.
COVECTOR_API void freeze(torch::nn::Module& module);

/// One step of an exponential moving average over the parameters, without gradient:
///
///   copy <- momentum copy + (1 - momentum) online
///
/// Buffers (running statistics) are the copy's own. Float32 weights only make sense here: in
/// bfloat16 a momentum of 0.999 never moves.
COVECTOR_API void follow(const torch::nn::Module& online, torch::nn::Module& copy, double momentum);

/// |online - copy|^2 over all parameters together: scalar, without gradient.
COVECTOR_API at::Tensor squared_distance(const torch::nn::Module& online,
                                         const torch::nn::Module& copy);

/// Momentum that rises to 1 along a cosine: 1 - (1 - base) (cos(pi step / total) + 1) / 2.
/// Source: J.-B. Grill et al., Bootstrap Your Own Latent, NeurIPS 2020.
COVECTOR_API double cosine_momentum(double base, std::int64_t step, std::int64_t total);

/// A copy of a network that has fresh(), with its weights and without gradient, to be registered
/// beside it and moved by follow().
template <class Network>
auto momentum_copy(const Network& online) {
  auto copy = online.fresh();
  copy_weights(online, *copy);
  freeze(*copy);
  return copy;
}

}  // namespace covector::networks
