#include "covector/networks/kan.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <cmath>

namespace covector::networks {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kIntervals = 5;
constexpr std::int64_t kDegree = 3;
constexpr std::int64_t kSplines = kIntervals + kDegree;
constexpr double kNoise = 0.1 / kIntervals;  // width of the first splines' noise

/// `count` knots of every row from the `first` on.
at::Tensor part(const at::Tensor& knots, std::int64_t first, std::int64_t count) {
  return knots.slice(1, first, first + count);
}

/// The splines of a degree, [..., channels, 11 - degree].
at::Tensor splines(const at::Tensor& x, const at::Tensor& knots, std::int64_t degree) {
  const auto points = x.unsqueeze(-1);
  const auto intervals = knots.size(1) - 1;
  auto all = ((points >= part(knots, 0, intervals)) & (points < part(knots, 1, intervals)))
                 .to(at::promote_types(x.scalar_type(), knots.scalar_type()));
  for (std::int64_t p = 1; p <= degree; ++p) {
    const auto n = intervals - p;
    const auto left = part(knots, 0, n);
    const auto right = part(knots, p + 1, n);
    const auto rising = (points - left) / (part(knots, p, n) - left);
    const auto falling = (right - points) / (right - part(knots, 1, n));
    all = rising * all.slice(-1, 0, n) + falling * all.slice(-1, 1, n + 1);
  }
  return all;
}

struct CubicSplines : torch::autograd::Function<CubicSplines> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& knots) {
    context->save_for_backward({x, knots});
    return splines(x, knots, kDegree);
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto saved = context->get_saved_variables();
    const auto& knots = saved[1];
    const auto widths = part(knots, kDegree, kSplines + 1) - part(knots, 0, kSplines + 1);
    const auto slopes = kDegree * splines(saved[0], knots, kDegree - 1) / widths;
    const auto rising = slopes.slice(-1, 0, kSplines);
    const auto falling = slopes.slice(-1, 1, kSplines + 1);
    return {(grads[0] * (rising - falling)).sum(-1).to(saved[0].scalar_type()), {}};
  }
};

/// Splines [out, in, 8] nearest to noise at the inner knots.
at::Tensor first_splines(std::int64_t in, std::int64_t out) {
  const auto knots = kan_knots(1).to(torch::kFloat64);
  const auto inner = part(knots, kDegree, kIntervals + 1).t();                  // [6, 1]
  const auto fit = at::linalg_pinv(splines(inner, knots, kDegree).squeeze(1));  // [8, 6]
  const auto noise = (torch::rand({out, in, kIntervals + 1}) - 0.5) * kNoise;
  return at::matmul(noise, fit.t().to(noise.scalar_type()));
}

}  // namespace

at::Tensor kan_knots(std::int64_t channels) {
  const auto steps = torch::arange(-kDegree, kIntervals + kDegree + 1, torch::kFloat32);
  return (steps * (2.0 / kIntervals) - 1).expand({channels, -1}).contiguous();
}

at::Tensor cubic_splines(const at::Tensor& x, const at::Tensor& knots) {
  return CubicSplines::apply(x, knots);
}

KanLinear::KanLinear(std::int64_t in, std::int64_t out) {
  const auto bound = 1 / std::sqrt(static_cast<double>(in));
  const auto uniform = [&] { return torch::empty({out, in}).uniform_(-bound, bound); };
  base_weight = register_parameter("base_weight", uniform());
  spline_weight = register_parameter("spline_weight", first_splines(in, out));
  spline_scaler = register_parameter("spline_scaler", uniform());
  grid = register_buffer("grid", kan_knots(in));
}

KanLinear::~KanLinear() = default;

at::Tensor KanLinear::forward(const at::Tensor& x) const {
  const auto scaled = spline_weight * spline_scaler.unsqueeze(-1);
  return at::linear(at::silu(x), base_weight) +
         at::linear(cubic_splines(x, grid).flatten(-2), scaled.flatten(1));
}

}  // namespace covector::networks
