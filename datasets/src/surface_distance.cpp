#include "covector/datasets/surface_distance.h"

#include "../io/raw_image.h"

#include "covector/core/check.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace covector::datasets {
namespace {

// One voxel of background around, so that the image's border counts as outside.
at::Tensor padded(const at::Tensor& mask) {
  return at::constant_pad_nd(mask, std::vector<std::int64_t>(2 * mask.dim(), 1), false);
}

at::Tensor surface(const at::Tensor& mask) {
  auto inner = mask;
  for (std::int64_t axis = 0; axis < mask.dim(); ++axis)
    for (const auto step : {-1, 1}) inner = inner.logical_and(mask.roll(step, axis));
  return mask.logical_and(inner.logical_not());
}

// The part of both masks around their voxels: distances need no more, and most organs are small.
std::pair<at::Tensor, at::Tensor> cropped(at::Tensor a, at::Tensor b) {
  const auto voxels = a.logical_or(b).nonzero();
  for (std::int64_t axis = 0; axis < a.dim(); ++axis) {
    const auto along = voxels.select(1, axis);
    const auto first = along.min().item<std::int64_t>();
    const auto length = along.max().item<std::int64_t>() - first + 1;
    a = a.narrow(axis, first, length);
    b = b.narrow(axis, first, length);
  }
  return {a, b};
}

// From each surface voxel of `from` to the surface of `to`, ascending.
std::vector<double> directed(const at::Tensor& from, const at::Tensor& to,
                             const std::vector<double>& spacing) {
  const auto target = to.to(torch::kUInt8).contiguous();
  const auto* data = target.const_data_ptr<std::uint8_t>();
  const auto distance =
      io::distance_to({data, data + target.numel()}, target.sizes().vec(), spacing);
  const auto source = from.contiguous();
  const auto* inside = source.const_data_ptr<bool>();
  std::vector<double> out;
  for (std::int64_t i = 0; i < source.numel(); ++i)
    if (inside[i]) out.push_back(distance[static_cast<std::size_t>(i)]);
  std::sort(out.begin(), out.end());
  return out;
}

double percentile_95(const std::vector<double>& sorted) {
  const auto position = 0.95 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - std::floor(position)) * (sorted[above] - sorted[below]);
}

}  // namespace

SurfaceDistances surface_distances(const at::Tensor& prediction, const at::Tensor& truth,
                                   const std::vector<double>& spacing_mm) {
  check_shape("prediction", prediction, truth.sizes());
  const auto axes = static_cast<std::size_t>(truth.dim());
  if (!spacing_mm.empty() && spacing_mm.size() != axes)
    throw std::invalid_argument("spacing_mm: expected " + std::to_string(axes) + " numbers, got " +
                                std::to_string(spacing_mm.size()));
  SurfaceDistances out;
  out.unit = spacing_mm.empty() ? "voxel" : "mm";
  const auto a = padded(prediction.detach().cpu().to(torch::kBool));
  const auto b = padded(truth.detach().cpu().to(torch::kBool));
  const bool no_prediction = !a.any().item<bool>();
  const bool no_truth = !b.any().item<bool>();
  if (no_prediction || no_truth) {
    out.note = no_prediction && no_truth ? "both are empty"
               : no_prediction           ? "prediction is empty"
                                         : "truth is empty";
    return out;
  }
  const auto [from, to] = cropped(surface(a), surface(b));
  const auto spacing = spacing_mm.empty() ? std::vector<double>(axes, 1.0) : spacing_mm;
  const auto there = directed(from, to, spacing);
  const auto back = directed(to, from, spacing);
  out.hausdorff = std::max(there.back(), back.back());
  out.hausdorff_95 = std::max(percentile_95(there), percentile_95(back));
  const auto sum = std::accumulate(there.begin(), there.end(), 0.0) +
                   std::accumulate(back.begin(), back.end(), 0.0);
  out.average = sum / static_cast<double>(there.size() + back.size());
  return out;
}

}  // namespace covector::datasets
