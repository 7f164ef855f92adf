#include "convolution.h"

#include <torch/types.h>

#include <cmath>

namespace covector::transunet {
namespace {

constexpr double kVarianceEpsilon = 1e-5;

}  // namespace

BiaslessConv::BiaslessConv(std::int64_t in, std::int64_t out, std::int64_t kernel, Filters filters,
                           std::int64_t stride)
    : filters_(filters), stride_(stride) {
  weight = register_parameter("weight", torch::empty({out, in, kernel, kernel}));
  const torch::NoGradGuard no_grad;
  const auto bound = 1 / std::sqrt(static_cast<double>(in * kernel * kernel));
  weight.uniform_(-bound, bound);
}

at::Tensor BiaslessConv::forward(const at::Tensor& x) const {
  const auto padding = weight.size(2) / 2;
  if (filters_ == Filters::plain) return at::conv2d(x, weight, {}, stride_, padding);
  // A layer normalisation of the filters is the same formula, in one pass each way.
  const auto flat = weight.flatten(1);
  const auto standardized = at::layer_norm(flat, {flat.size(1)}, {}, {}, kVarianceEpsilon);
  return at::conv2d(x, standardized.view(weight.sizes()), {}, stride_, padding);
}

}  // namespace covector::transunet
