#include "sampler.h"

#include <torch/types.h>

#include <algorithm>

namespace covector::deepcluster {

std::vector<std::vector<std::int64_t>> members(const at::Tensor& labels, std::int64_t k) {
  const auto on_host = labels.cpu();
  std::vector<std::vector<std::int64_t>> clusters(k);
  for (std::int64_t i = 0; i < on_host.numel(); ++i)
    clusters.at(on_host.data_ptr<std::int64_t>()[i]).push_back(i);
  return clusters;
}

std::vector<std::int64_t> uniform_order(const std::vector<std::vector<std::int64_t>>& clusters,
                                        std::int64_t count, RandomStream& random) {
  const auto filled = std::count_if(clusters.begin(), clusters.end(),
                                    [](const auto& cluster) { return !cluster.empty(); });
  const auto draws = count / filled + 1;
  std::vector<std::int64_t> drawn;
  for (const auto& cluster : clusters) {
    const auto size = static_cast<std::int64_t>(cluster.size());
    if (size == 0) continue;
    const auto permuted = size > draws ? random.permutation(size) : std::vector<std::int64_t>{};
    for (std::int64_t i = 0; i < draws; ++i)
      drawn.push_back(cluster[size > draws ? permuted[i] : random.integer(size)]);
  }
  std::vector<std::int64_t> order;
  for (const auto i : random.permutation(static_cast<std::int64_t>(drawn.size())))
    if (static_cast<std::int64_t>(order.size()) < count) order.push_back(drawn[i]);
  return order;
}

at::Tensor cluster_weights(const at::Tensor& labels, std::int64_t k) {
  const auto sizes = torch::bincount(labels, {}, k).to(torch::kFloat64);
  const auto filled = (sizes > 0).sum();
  return torch::where(sizes > 0, static_cast<double>(labels.numel()) / (filled * sizes), 0);
}

}  // namespace covector::deepcluster
