#pragma once

#include <torch/types.h>
#include <torch/utils.h>

#include <functional>

namespace covector::testing {

/// Largest gap between the analytic gradient of f at x and central differences, relative to the
/// largest entry of the gradient. x must be float64; f gives a scalar.
inline double gradient_gap(const std::function<at::Tensor(const at::Tensor&)>& f,
                           const at::Tensor& x, double step = 1e-6) {
  auto input = x.detach().clone().set_requires_grad(true);
  f(input).backward();
  const auto analytic = input.grad().clone().flatten();
  const torch::NoGradGuard no_grad;
  auto numeric = torch::zeros_like(analytic);
  auto moved = input.detach().clone();
  auto flat = moved.view({-1});
  for (std::int64_t i = 0; i < flat.numel(); ++i) {
    const auto kept = flat[i].item<double>();
    flat[i] = kept + step;
    const auto up = f(moved).item<double>();
    flat[i] = kept - step;
    const auto down = f(moved).item<double>();
    flat[i] = kept;
    numeric[i] = (up - down) / (2 * step);
  }
  return ((analytic - numeric).abs().max() / (numeric.abs().max() + 1e-12)).item<double>();
}

/// Largest absolute difference.
inline double max_gap(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(torch::kFloat64) - b.to(torch::kFloat64)).abs().max().item<double>();
}

}  // namespace covector::testing
