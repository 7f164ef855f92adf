#include "covector/losses/over_dispersion.h"

#include "accumulate.h"
#include "cosine.h"
#include "covector/core/check.h"
#include "spectrum.h"

#include <torch/types.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <vector>

namespace covector::losses {
namespace {

// Features [pairs, C] of chosen pixels: image `sample`, flat position `position`.
at::Tensor pick(const at::Tensor& map, const at::Tensor& sample, const at::Tensor& position) {
  using torch::indexing::Slice;
  return map.flatten(2).index({sample, Slice(), position});
}

struct Pairs {
  at::Tensor distance;  // [pairs]
  at::Tensor same;      // [pairs] whether both pixels have one label; undefined without labels
};

// Neighbours along one axis of the grid.
Pairs neighbours(const at::Tensor& features, const std::optional<at::Tensor>& labels,
                 std::int64_t axis, std::int64_t limit) {
  auto size = features.sizes().slice(2).vec();
  const auto step = c10::multiply_integers(size.begin() + axis + 1, size.end());
  auto first = size;  // the grid of the pairs' first pixels
  --first[axis];
  const auto count = features.size(0) * c10::multiply_integers(first);
  auto rest = spread(count, limit, features.device());
  // From the flat index over (sample, first pixel) to the flat position on the whole grid.
  auto position = torch::zeros_like(rest);
  std::int64_t stride = 1;
  for (auto k = static_cast<std::int64_t>(size.size()) - 1; k >= 0; --k) {
    position += rest.remainder(first[k]) * stride;
    rest = rest.div(first[k], "floor");
    stride *= size[k];
  }
  const auto a = accumulated(pick(features, rest, position));
  const auto b = accumulated(pick(features, rest, position + step));
  Pairs pairs{1 - cosine(a, b, 1).squeeze(1), {}};
  if (labels)
    pairs.same = (pick(*labels, rest, position) == pick(*labels, rest, position + step)).squeeze(1);
  return pairs;
}

// NaN marks the pairs that do not count, so that their number need not be known on the host.
NeighbourDistance measure(const at::Tensor& distance, const at::Tensor& counts) {
  const auto kept = torch::where(counts, distance, std::numeric_limits<double>::quiet_NaN());
  return {kept.nanmean().to(torch::kFloat32), kept.nanquantile(0.99).to(torch::kFloat32)};
}

}  // namespace

OverDispersion over_dispersion(const at::Tensor& features, const std::optional<at::Tensor>& labels,
                               std::int64_t max_pairs) {
  if (labels) check_shape("labels", *labels, one_channel(features));
  const torch::NoGradGuard no_grad;
  std::vector<at::Tensor> distances;
  std::vector<at::Tensor> same;
  for (std::int64_t axis = 0; axis < features.dim() - 2; ++axis) {
    if (features.size(axis + 2) < 2) continue;
    const auto pairs = neighbours(features, labels, axis, max_pairs);
    distances.push_back(pairs.distance);
    if (labels) same.push_back(pairs.same);
  }
  if (distances.empty())
    throw std::invalid_argument("features: no axis has two pixels, so there are no neighbours");
  const auto distance = torch::cat(distances);
  OverDispersion out{measure(distance, torch::ones_like(distance, torch::kBool)), {}, {}};
  if (labels) {
    const auto inside = torch::cat(same);
    out.within = measure(distance, inside);
    out.across = measure(distance, inside.logical_not());
  }
  return out;
}

at::Tensor effective_rank(const at::Tensor& features, std::int64_t max_positions) {
  const torch::NoGradGuard no_grad;
  const auto pixels = c10::multiply_integers(features.sizes().slice(2));
  const auto index = spread(features.size(0) * pixels, max_positions, features.device());
  // float64: the rank of nearly parallel features hangs on small differences.
  const auto rows =
      pick(features, index.div(pixels, "floor"), index.remainder(pixels)).to(torch::kFloat64);
  // What rounding leaves of equal features is no spread.
  return spectral_rank(rows - rows.mean(0, true), 1e-14 * rows.norm()).to(torch::kFloat32);
}

}  // namespace covector::losses
