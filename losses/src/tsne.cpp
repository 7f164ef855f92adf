#include "covector/losses/tsne.h"

#include "covector/core/check.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace covector::losses {
namespace {

constexpr double kTiny = std::numeric_limits<double>::min();

/// |a_i - a_j|^2 of every pair of rows; 0 on the diagonal.
at::Tensor squared_distances(const at::Tensor& rows) {
  const auto norms = rows.square().sum(1, true);
  auto distances = torch::addmm(norms + norms.t(), rows, rows.t(), 1, -2).clamp_min_(0);
  distances.fill_diagonal_(0);
  return distances;
}

struct Picks {
  at::Tensor probabilities;  // [n, n]
  at::Tensor entropies;      // [n, 1] nats
};

/// @param distances  [n, n] squared, infinite on the diagonal, the least of each row 0
Picks picks(const at::Tensor& distances, const at::Tensor& sharpness) {
  const auto weights = (-sharpness * distances).exp();
  const auto probabilities = weights / weights.sum(1, true);
  return {probabilities, -torch::special_xlogy(probabilities, probabilities).sum(1, true)};
}

at::Tensor principal_components(const at::Tensor& points) {
  const auto centred = points - points.mean(0, true);
  const auto axes = std::get<2>(torch::linalg_svd(centred, /*full_matrices=*/false));
  auto map = torch::zeros({points.size(0), 2}, points.options());
  const auto found = std::min<std::int64_t>(2, axes.size(0));
  auto first = axes.slice(0, 0, found);
  const auto largest = first.gather(1, first.abs().argmax(1, true));
  map.slice(1, 0, found).copy_(centred.mm((first * largest.sign()).t()));
  return map / map.select(1, 0).std(0, /*unbiased=*/false).clamp_min(kTiny) * 1e-4;
}

/// One step of gradient descent with momentum and gains.
struct Descent {
  at::Tensor map, movement, gains;
  double rate;

  void step(const at::Tensor& gradient, double momentum) {
    const auto apart = movement * gradient < 0;
    gains = torch::where(apart, gains + 0.2, gains * 0.8).clamp_min_(0.01);
    movement = momentum * movement - rate * gains * gradient;
    map = map + movement;
  }
};

}  // namespace

at::Tensor neighbour_probabilities(const at::Tensor& points, double perplexity) {
  check_shape("points", points, {kAny, kAny});
  const auto n = points.size(0);
  if (!(perplexity > 1 && perplexity < static_cast<double>(n - 1)))
    throw std::invalid_argument("perplexity: expected more than 1 and less than " +
                                std::to_string(n - 1) + ", one less than the points, got " +
                                std::to_string(perplexity));
  const torch::NoGradGuard no_grad;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  auto distances = squared_distances(points.to(torch::kFloat64));
  // Another scale of the points is another sharpness and changes nothing.
  distances /= distances.mean().clamp_min(kTiny);
  distances.fill_diagonal_(kInfinity);
  distances -= distances.amin(1, true);

  const auto target = std::log(perplexity);
  auto sharpness = torch::ones({n, 1}, distances.options());
  auto low = torch::zeros_like(sharpness);
  auto high = torch::full_like(sharpness, kInfinity);
  auto found = picks(distances, sharpness);
  // Doubling finds the bracket, halving the value; where copies leave no bracket this ends it.
  for (int step = 0; step < 200; ++step) {
    if ((found.entropies - target).abs().max().item<double>() < 1e-10) break;
    const auto too_even = found.entropies > target;
    low = torch::where(too_even, sharpness, low);
    high = torch::where(too_even, high, sharpness);
    sharpness = torch::where(high.isinf(), 2 * sharpness, (low + high) / 2);
    found = picks(distances, sharpness);
  }
  return found.probabilities;
}

at::Tensor joint_probabilities(const at::Tensor& conditional) {
  check_shape("conditional", conditional, {conditional.size(0), conditional.size(0)});
  return (conditional + conditional.t()) / (2 * static_cast<double>(conditional.size(0)));
}

Divergence map_divergence(const at::Tensor& joint, const at::Tensor& map) {
  const torch::NoGradGuard no_grad;
  check_shape("map", map, {joint.size(0), kAny});
  const auto near = (squared_distances(map) + 1).reciprocal_().fill_diagonal_(0);
  const auto sum = near.sum();
  const auto pull = (joint - near / sum) * near;
  // sum P log(P / Q) = sum P log P - sum P log w + log sum w, where the P sum to one.
  const auto value = torch::special_xlogy(joint, joint).sum() -
                     torch::special_xlogy(joint, near.clamp_min(kTiny)).sum() +
                     joint.sum() * sum.log();
  return {value.item<double>(), 4 * (pull.sum(1, true) * map - pull.mm(map))};
}

TsneMap tsne(const at::Tensor& points, const TsneOptions& options) {
  constexpr double kExaggeration = 12;
  constexpr std::int64_t kExaggerated = 250;
  const torch::NoGradGuard no_grad;
  const auto joint = joint_probabilities(neighbour_probabilities(points, options.perplexity));
  const auto exaggerated = kExaggeration * joint;
  const auto start = principal_components(points.to(torch::kFloat64));
  const auto rate = std::max(static_cast<double>(points.size(0)) / (4 * kExaggeration), 50.0);
  Descent descent{start, torch::zeros_like(start), torch::ones_like(start), rate};
  for (std::int64_t step = 0; step < options.steps; ++step) {
    const bool early = step < kExaggerated;
    descent.step(map_divergence(early ? exaggerated : joint, descent.map).gradient,
                 early ? 0.5 : 0.8);
  }
  return {descent.map, map_divergence(joint, descent.map).value};
}

}  // namespace covector::losses
