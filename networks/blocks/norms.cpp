#include "covector/networks/norms.h"

#include <torch/types.h>

#include <sstream>
#include <stdexcept>

namespace covector::networks {
namespace {

constexpr double kEpsilon = 1e-5;
constexpr double kMomentum = 0.1;

}  // namespace

BatchNorm::BatchNorm(std::int64_t channels) {
  weight = register_parameter("weight", torch::ones({channels}));
  bias = register_parameter("bias", torch::zeros({channels}));
  running_mean = register_buffer("running_mean", torch::zeros({channels}));
  running_var = register_buffer("running_var", torch::ones({channels}));
  num_batches_tracked = register_buffer("num_batches_tracked", torch::zeros({}, torch::kInt64));
}

BatchNorm::~BatchNorm() = default;

at::Tensor BatchNorm::forward(const at::Tensor& x) {
  if (is_training()) {
    if (x.numel() <= x.size(1)) {
      std::ostringstream text;
      text << "batch normalisation in training needs more than one value a channel, got "
           << x.sizes() << "; take more samples a batch or larger images";
      throw std::invalid_argument(text.str());
    }
    num_batches_tracked.add_(1);
  }
  return at::batch_norm(x, weight, bias, running_mean, running_var, is_training(), kMomentum,
                        kEpsilon, true);
}

LayerNorm::LayerNorm(std::int64_t channels, double eps) : eps_(eps) {
  weight = register_parameter("weight", torch::ones({channels}));
  bias = register_parameter("bias", torch::zeros({channels}));
}

LayerNorm::~LayerNorm() = default;

at::Tensor LayerNorm::forward(const at::Tensor& x) const {
  return at::layer_norm(x, {x.size(-1)}, weight, bias, eps_);
}

}  // namespace covector::networks
