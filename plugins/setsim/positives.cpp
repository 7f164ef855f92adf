#include "positives.h"

#include "covector/networks/matching.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <tuple>

namespace covector::setsim {

at::Tensor attention(const at::Tensor& cells) {
  const torch::NoGradGuard no_grad;
  const auto wide = cells.to(at::promote_types(cells.scalar_type(), torch::kFloat32));
  const auto energy = wide.square().mean(2);
  const auto scaled = energy / energy.norm(2, {1}, true).clamp_min(1e-12);
  const auto low = scaled.amin(1, true);
  return (scaled - low) / (scaled.amax(1, true) - low + 1e-10);
}

at::Tensor positives(const at::Tensor& query, const at::Tensor& key, const at::Tensor& distance,
                     const Thresholds& thresholds) {
  const torch::NoGradGuard no_grad;
  const auto similarity = networks::cosines(query, key);
  const auto attentive = [&](const at::Tensor& cells) {
    return attention(cells) >= thresholds.attention;
  };
  const auto both = attentive(query).unsqueeze(2) & attentive(key).unsqueeze(1);
  auto found = (both & (similarity >= thresholds.similarity)) | (distance < thresholds.geometry);
  if (thresholds.nearest) {
    const auto most_similar = similarity.argmax(2, true);
    found = found.scatter(2, most_similar, true) & found.any(2, true);
  }
  return found;
}

}  // namespace covector::setsim
