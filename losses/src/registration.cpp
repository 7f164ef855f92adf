#include "covector/losses/registration.h"

#include "accumulate.h"
#include "covector/core/check.h"

#include <torch/types.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace covector::losses {
namespace {

// Sums over `window` voxels around each along one axis, zero beyond the border: the difference of
// two running sums.
at::Tensor box_sum(const at::Tensor& x, std::int64_t axis, std::int64_t window) {
  const auto radius = window / 2;
  std::vector<std::int64_t> padding(2 * (x.dim() - axis), 0);  // last axis first
  padding[padding.size() - 2] = radius + 1;
  padding[padding.size() - 1] = radius;
  const auto running = torch::constant_pad_nd(x, padding).cumsum(axis);
  const auto n = x.size(axis);
  return running.narrow(axis, window, n) - running.narrow(axis, 0, n);
}

}  // namespace

at::Tensor local_correlation(const at::Tensor& a, const at::Tensor& b, std::int64_t window) {
  check_shape("b", b, a.sizes());
  if (window < 1 || window % 2 == 0)
    throw std::invalid_argument("window: must be odd and at least 1, got " +
                                std::to_string(window));
  const auto type = accumulated(a).scalar_type();
  const auto x = a.to(torch::kFloat64);
  const auto y = b.to(torch::kFloat64);
  double count = 1;
  const auto sum = [&](at::Tensor values) {
    for (std::int64_t axis = 2; axis < values.dim(); ++axis) values = box_sum(values, axis, window);
    return values;
  };
  for (std::int64_t axis = 2; axis < a.dim(); ++axis) count *= static_cast<double>(window);
  const auto sum_x = sum(x);
  const auto sum_y = sum(y);
  const auto cross = sum(x * y) - sum_x * sum_y / count;
  const auto variance_x = sum(x * x) - sum_x * sum_x / count;
  const auto variance_y = sum(y * y) - sum_y * sum_y / count;
  return (cross * cross / (variance_x * variance_y + 1e-5)).to(type);
}

at::Tensor roughness(const at::Tensor& displacement) {
  const auto d = displacement.dim() - 2;
  auto shape = displacement.sizes().vec();
  if (shape.size() > 1) shape[1] = d;
  check_shape("displacement", displacement, shape);
  const auto field = accumulated(displacement);
  auto total = field.new_zeros({});
  for (std::int64_t axis = 2; axis < field.dim(); ++axis) {
    const auto step = field.diff(1, axis);
    total =
        total + step.square().sum() / static_cast<double>(std::max<std::int64_t>(1, step.numel()));
  }
  return total / static_cast<double>(d);
}

}  // namespace covector::losses
