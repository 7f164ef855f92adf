#pragma once

#include <torch/types.h>

#include <limits>

namespace covector::losses {

/// At most `limit` of `count` indices, spread evenly without the period of any image side (steps of
/// the golden ratio, modulo the count).
inline at::Tensor spread(std::int64_t count, std::int64_t limit, const at::Device& device) {
  constexpr double kGolden = 0.61803398874989485;
  if (count <= limit) return torch::arange(count, torch::dtype(torch::kInt64).device(device));
  const auto turns = torch::arange(limit, torch::dtype(torch::kFloat64).device(device)) * kGolden;
  return ((turns - turns.floor()) * count).floor().to(torch::kInt64).clamp_max(count - 1);
}

/// exp of the entropy of the singular values of [n, C] float64 rows over their sum; 0 when all are
/// 0. Singular values up to `noise` count as 0.
inline at::Tensor spectral_rank(const at::Tensor& rows, const at::Tensor& noise) {
  const auto singular = torch::linalg_svdvals(rows);
  const auto s = torch::where(singular > noise, singular, 0);
  const auto p = s / s.sum().clamp_min(std::numeric_limits<double>::min());
  const auto entropy = -torch::special_xlogy(p, p).sum();
  return torch::where(s.sum() > 0, entropy.exp(), 0);
}

}  // namespace covector::losses
