#include "covector/networks/standardise.h"

#include <torch/types.h>

#include <stdexcept>

namespace covector::networks {
namespace {

// A vector of channels in the shape of a feature map.
at::Tensor per_channel(const at::Tensor& vector, std::int64_t axes) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(axes), 1);
  shape[1] = -1;
  return vector.view(shape);
}

}  // namespace

void ChannelStatistics::add(const at::Tensor& features) {
  const auto rows = features.to(torch::kFloat64).movedim(1, -1).flatten(0, -2);
  const auto first = rows.sum(0);
  const auto second = rows.square().sum(0);
  sum_ = empty() ? first : sum_ + first;
  squares_ = empty() ? second : squares_ + second;
  count_ += rows.size(0);
}

at::Tensor ChannelStatistics::mean() const {
  if (empty()) throw std::logic_error("no features were seen");
  return sum_ / count_;
}

at::Tensor ChannelStatistics::deviation() const {
  const auto middle = mean();
  const auto spread = (squares_ / count_ - middle.square()).clamp_min(0).sqrt();
  return spread.masked_fill(spread <= 1e-6 * middle.abs(), 1.0);
}

at::Tensor standardised(const at::Tensor& features, const at::Tensor& mean,
                        const at::Tensor& deviation) {
  return (features - per_channel(mean, features.dim())) / per_channel(deviation, features.dim());
}

}  // namespace covector::networks
