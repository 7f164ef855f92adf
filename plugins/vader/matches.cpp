#include "matches.h"

#include "covector/core/check.h"

#include <torch/types.h>

#include <stdexcept>
#include <string>

namespace covector::vader {
namespace {

constexpr double kRounding = 1e-6;  // voxels

// The sides of a grid minus one, spread over [N, d, ...] with `axes` axes.
at::Tensor last_voxel(const SpatialMap& map, std::int64_t axes, const at::TensorOptions& options) {
  std::vector<std::int64_t> shape(axes, 1);
  shape[1] = map.dimensions();
  return torch::tensor(map.size(), options).view(shape) - 1;
}

}  // namespace

at::Tensor positions_in(const SpatialMap& second, const SpatialMap& first,
                        const at::Device& device) {
  // Float32 would misplace voxels on the rim by more than what tells inside from outside.
  const auto options = torch::dtype(torch::kFloat64).device(device);
  return voxel_grid(first.size(), options) + first.displacement_to(second, options);
}

at::Tensor shown_in(const SpatialMap& second, const at::Tensor& positions) {
  const auto last = last_voxel(second, positions.dim(), positions.options());
  return (positions >= -kRounding).logical_and(positions <= last + kRounding).all(1, true);
}

Matches draw_matches(const SpatialMap& first, const SpatialMap& second,
                     const at::Tensor& foreground, std::int64_t count,
                     std::optional<at::Generator> generator) {
  auto shape = first.size();
  shape.insert(shape.begin(), {first.batch(), 1});
  check_shape("foreground", foreground, shape);
  const auto candidates = foreground.flatten(1);
  if (candidates.size(1) < count)
    throw std::invalid_argument("there are " + std::to_string(count) +
                                " matches to be drawn from " + std::to_string(candidates.size(1)) +
                                " voxels");
  const auto positions = positions_in(second, first, foreground.device());
  const auto shown = shown_in(second, positions).flatten(1);
  const auto bright = shown.logical_and(candidates);
  const auto wanted = torch::where(bright.sum(1, true) >= count, bright, shown);

  // The highest of random numbers, those of no candidate below all others.
  const auto options = candidates.options().dtype(torch::kFloat32);
  const auto lot = torch::rand(wanted.sizes(), generator, options).masked_fill(~wanted, -1);
  const auto highest = lot.topk(count, 1);
  const auto& voxel = std::get<1>(highest);
  const auto index = voxel.unsqueeze(1).expand({-1, first.dimensions(), -1});
  const auto place = positions.flatten(2).gather(2, index).clamp_min(0);
  return {voxel, torch::minimum(place, last_voxel(second, 3, place.options())),
          std::get<0>(highest) >= 0};
}

at::Tensor at_voxels(const at::Tensor& map, const Matches& matches) {
  const auto index = matches.voxel.unsqueeze(1).expand({-1, map.size(1), -1});
  return map.flatten(2).gather(2, index).transpose(1, 2).flatten(0, 1);
}

at::Tensor at_positions(const at::Tensor& map, const Matches& matches) {
  auto shape = matches.position.sizes().vec();
  shape.resize(map.dim(), 1);
  // Half precision cannot tell neighbours apart.
  const auto type = map.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  const auto position = matches.position.view(shape).to(type);
  return sample_at(map.to(type), position).flatten(2).transpose(1, 2).flatten(0, 1);
}

}  // namespace covector::vader
