#include "covector/losses/collapse.h"

#include "covector/core/check.h"
#include "covector/losses/contrast.h"
#include "spectrum.h"

#include <torch/types.h>

#include <cmath>
#include <stdexcept>

namespace covector::losses {

Collapse collapse(const at::Tensor& first, const at::Tensor& second) {
  constexpr std::int64_t kMostRows = 1024;
  check_shape("first", first, {kAny, kAny});
  if (second.defined()) check_shape("second", second, first.sizes());
  if (first.size(0) < 2)
    throw std::invalid_argument("first: expected at least 2 rows, got " +
                                std::to_string(first.size(0)));
  const torch::NoGradGuard no_grad;
  const auto looked_at = spread(first.size(0), kMostRows, first.device());
  const auto prepared = [&](const at::Tensor& rows) {
    return unit(rows.index_select(0, looked_at).to(torch::kFloat64));
  };
  const auto z = prepared(first);
  Collapse out;
  out.std = z.std(0).mean();
  out.level = (1 - std::sqrt(static_cast<double>(z.size(1))) * out.std).clamp_min(0);
  out.uniformity = (-2 * torch::pdist(z).square()).exp().mean().log();
  out.effective_rank = spectral_rank(z, 1e-14 * z.norm());
  if (second.defined()) out.alignment = (z - prepared(second)).square().sum(1).mean();
  return out;
}

}  // namespace covector::losses
