#pragma once

#include "covector/core/random.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace covector::deepcluster {

/// The images of each cluster: `k` lists of positions.
/// @param labels  [n] int64
std::vector<std::vector<std::int64_t>> members(const at::Tensor& labels, std::int64_t k);

/// `count` positions that show every cluster that has any image equally often: floor(count /
/// clusters) + 1 of each, without repeats where it has more than that and with repeats otherwise,
/// shuffled, the rest cut off.
/// Source: M. Caron et al., DeepCluster, ECCV 2018. Departure: the released code takes these
/// positions for those of another list, which shows clusters as often as they are large.
std::vector<std::int64_t> uniform_order(const std::vector<std::vector<std::int64_t>>& clusters,
                                        std::int64_t count, RandomStream& random);

/// What a sample of each cluster counts so that clusters count equally and the mean over samples is
/// 1: n / (clusters with any sample * samples of the cluster), 0 for an empty one.
/// @returns  [k] float64 on the device of the labels
at::Tensor cluster_weights(const at::Tensor& labels, std::int64_t k);

}  // namespace covector::deepcluster
