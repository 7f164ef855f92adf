#include "covector/transforms/corruption/local_shuffle.h"

#include "per_sample.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace covector::transforms {
namespace {

using Size = std::vector<std::int64_t>;
using Indices = std::vector<std::int64_t>;

BoxRule rule_of(const LocalShuffleOptions& options, const Size& size) {
  BoxRule rule;
  for (const auto length : size) {
    const auto least = std::max<std::int64_t>(1, share_of(options.side[0], length));
    rule.least.push_back(least);
    rule.largest.push_back(std::max(least, share_of(options.side[1], length)));
  }
  return rule;
}

// Flat indices of a window's voxels, last axis fastest.
void list_voxels(const Box& window, const Size& size, Indices& out) {
  out.assign(1, 0);
  for (std::size_t axis = 0; axis < size.size(); ++axis) {
    Indices next;
    next.reserve(out.size() * window.size[axis]);
    for (const auto base : out)
      for (std::int64_t i = 0; i < window.size[axis]; ++i)
        next.push_back(base * size[axis] + window.begin[axis] + i);
    out.swap(next);
  }
}

// A permutation of 0 .. count - 1 (Fisher-Yates). The Mersenne twister draws the same everywhere
// and in a fraction of the time of RandomStream, which millions of voxels a volume ask for; scaling
// 32 bits favours no index by more than count / 2^32.
void permute(std::mt19937& random, std::int64_t count, Indices& out) {
  out.resize(count);
  std::iota(out.begin(), out.end(), 0);
  for (auto i = count - 1; i > 0; --i) {
    const auto j = (static_cast<std::uint64_t>(random()) * static_cast<std::uint64_t>(i + 1)) >> 32;
    std::swap(out[i], out[j]);
  }
}

}  // namespace

std::int64_t window_count(const LocalShuffleOptions& options, const Size& size) {
  if (options.windows) return *options.windows;
  const auto rule = rule_of(options, size);
  auto count = options.multiplicity;
  for (std::size_t axis = 0; axis < size.size(); ++axis)
    count *= 2.0 * static_cast<double>(size[axis]) /
             static_cast<double>(rule.least[axis] + rule.largest[axis]);
  return std::llround(count);
}

std::vector<Box> draw_windows(const LocalShuffleOptions& options, const Size& size,
                              RandomStream& stream) {
  auto rule = rule_of(options, size);
  std::vector<Box> windows(window_count(options, size));
  for (auto& window : windows) {
    window = draw_box("local_shuffle", rule, size, stream);
    if (options.permutation == "shared") rule.least = rule.largest = window.size;
  }
  return windows;
}

at::Tensor shuffled_index(const std::vector<Box>& windows, const Size& size, bool one_permutation,
                          RandomStream& stream) {
  const auto voxels =
      std::accumulate(size.begin(), size.end(), std::int64_t{1}, std::multiplies<>());
  const auto index = torch::arange(voxels, torch::kInt64);
  auto* from = index.data_ptr<std::int64_t>();
  std::mt19937 random(stream.bits());
  Indices voxel;
  Indices order;
  for (const auto& window : windows) {
    list_voxels(window, size, voxel);
    if (order.empty() || !one_permutation)
      permute(random, static_cast<std::int64_t>(voxel.size()), order);
    for (std::size_t i = 0; i < voxel.size(); ++i) from[voxel[i]] = voxel[order[i]];
  }
  return index;
}

void LocalShuffleOptions::describe(Schema<LocalShuffleOptions>& schema) {
  schema
      .summary(
          "Permutes the voxels within many small windows; windows read the original, later ones "
          "count where they overlap.")
      .source(
          "Z. Zhou et al., Models Genesis, Medical Image Analysis 67, 2021; code of "
          "MrGiovanni/ModelsGenesis (12f7feb)")
      .departure(
          "the published code takes 10 000 windows whatever the size, which is 1.87 writes a voxel "
          "at its 64 x 64 x 32; that share is kept here, or windows = 10000");
  schema.field("side", &LocalShuffleOptions::side)
      .doc(
          "smallest and largest side of a window as a share of the view's, both included; whole "
          "voxels, at least 1")
      .between(0.0, 1.0)
      .require(is_interval, kInterval);
  schema.field("windows", &LocalShuffleOptions::windows)
      .doc("how many; without it as many as multiplicity asks for")
      .at_least(0);
  schema.field("multiplicity", &LocalShuffleOptions::multiplicity)
      .doc("how often a voxel is written on average")
      .at_least(0.0);
  schema.field("permutation", &LocalShuffleOptions::permutation)
      .doc("own: each window has its own sides and permutation; shared: all of a sample the same")
      .one_of({"own", "shared"});
}

LocalShuffle::LocalShuffle(const LocalShuffleOptions& options) : options_(options) {}

void LocalShuffle::apply(View& view, Draws& draws) const {
  const auto& image = view.image();
  const auto voxels = image[0][0].numel();
  const auto index = torch::arange(voxels, torch::kInt64).repeat({view.batch(), 1});
  at::parallel_for(0, view.batch(), 1, [&](std::int64_t first, std::int64_t last) {
    for (auto n = first; n < last; ++n) {
      if (draws.applied()[n].item<double>() == 0) continue;
      auto& stream = draws.parameters(n);
      const auto windows = draw_windows(options_, view.size(), stream);
      index[n].copy_(
          shuffled_index(windows, view.size(), options_.permutation == "shared", stream));
    }
  });
  const auto from = index.to(image.device()).unsqueeze(1).expand({-1, image.size(1), -1});
  view.set_image(image.flatten(2).gather(2, from).view(image.sizes()));
}

}  // namespace covector::transforms
