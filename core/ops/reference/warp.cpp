#include "ops/warp.h"

#include "kernels/dtype.h"

#include <torch/library.h>
#include <torch/types.h>

#include <array>
#include <vector>

namespace covector::ops::reference {
namespace {

// LibTorch's codes.
constexpr std::int64_t kZeros = 0;
std::int64_t mode_of(const Reading& reading) {
  return reading.interpolation == Interpolation::nearest ? 1 : 0;
}

at::Tensor axis_sizes(const at::Tensor& image, const at::TensorOptions& options) {
  const auto sides = image.sizes().slice(2);
  std::vector<std::int64_t> shape(image.dim(), 1);
  shape[1] = static_cast<std::int64_t>(sides.size());
  return torch::tensor(sides.vec(), torch::kFloat64).view(shape).to(options);
}

at::Tensor places(const at::Tensor& positions, const Reading& reading) {
  return reading.displaced ? voxel_grid(positions.sizes().slice(2), positions.options()) + positions
                           : positions;
}

// A factor for each axis between voxels of the image and LibTorch's scale, on which a side
// reaches from -1 to 1. A side of one voxel is read alike in both conventions.
at::Tensor rate(const at::Tensor& size, const Reading& reading) {
  if (reading.convention == GridConvention::paper) return 2 / size;
  return 2 / at::where(size > 1, size - 1, size);
}

// What grid_sample wants: positions on LibTorch's scale, last axis first, and channels last.
at::Tensor grid_of(const at::Tensor& image, const at::Tensor& positions, const Reading& reading) {
  const auto size = axis_sizes(image, positions.options());
  const auto start = reading.convention == GridConvention::paper
                         ? 1 / size - 1
                         : -(size > 1).to(size.scalar_type());
  const auto scaled = places(positions, reading) * rate(size, reading) + start;
  return scaled.flip(1).movedim(1, -1);
}

at::Tensor wide(const at::Tensor& x) {
  return x.to(kernels::computed_in(x.scalar_type()));
}

std::tuple<at::Tensor, at::Tensor> gradients(const at::Tensor& grad, const at::Tensor& image,
                                             const at::Tensor& positions, const Reading& reading,
                                             std::array<bool, 2> wanted) {
  const auto grid = grid_of(image, positions, reading);
  return image.dim() == 4 ? at::grid_sampler_2d_backward(wide(grad), wide(image), grid,
                                                         mode_of(reading), kZeros, false, wanted)
                          : at::grid_sampler_3d_backward(wide(grad), wide(image), grid,
                                                         mode_of(reading), kZeros, false, wanted);
}

}  // namespace

at::Tensor warp(const at::Tensor& image, const at::Tensor& positions, const Reading& reading) {
  return at::grid_sampler(wide(image), grid_of(image, positions, reading), mode_of(reading), kZeros,
                          false)
      .to(image.scalar_type());
}

at::Tensor warp_image_gradient(const at::Tensor& grad, const at::Tensor& image,
                               const at::Tensor& positions, const Reading& reading) {
  return std::get<0>(gradients(grad, image, positions, reading, {true, false}))
      .to(image.scalar_type());
}

at::Tensor warp_position_gradient(const at::Tensor& grad, const at::Tensor& image,
                                  const at::Tensor& positions, const Reading& reading) {
  const auto of_grid = std::get<1>(gradients(grad, image, positions, reading, {false, true}));
  return of_grid.movedim(-1, 1).flip(1) * rate(axis_sizes(image, positions.options()), reading);
}

at::Tensor warp_image_gradient_in_order(const at::Tensor& grad, const at::Tensor& image,
                                        const at::Tensor& positions, const Reading& reading) {
  const auto size = axis_sizes(image, positions.options());
  auto place = places(positions, reading);
  if (reading.convention == GridConvention::released)
    place = at::where(size > 1, place * size / (size - 1).clamp_min(1) - 0.5, place);
  const bool nearest = reading.interpolation == Interpolation::nearest;
  const auto low = nearest ? place.round() : place.floor();
  const auto samples = image.size(0);
  const auto channels = image.size(1);
  const auto axes = image.dim() - 2;
  const auto values = wide(grad).flatten(2).transpose(1, 2);  // [N, positions, C]
  auto out = at::zeros({image.numel() / channels, channels}, values.options());
  for (std::int64_t corner = 0; corner < (nearest ? 1 : 1 << axes); ++corner) {
    auto index = torch::arange(samples, image.options().dtype(at::kLong)).view({samples, 1});
    auto weight = at::ones({samples, 1}, place.options());
    for (std::int64_t axis = 0; axis < axes; ++axis) {
      const auto side = image.size(axis + 2);
      const auto up = corner >> axis & 1;
      const auto at_voxel = (low.select(1, axis) + up).flatten(1);
      const auto away = (place.select(1, axis).flatten(1) - at_voxel).abs();
      const auto inside = at_voxel.ge(0).logical_and(at_voxel.lt(side));
      weight = weight * at::where(inside, nearest ? at::ones_like(away) : 1 - away,
                                  at::zeros({}, place.options()));
      index = index * side + at_voxel.clamp(0, side - 1).to(at::kLong);
    }
    out.index_put_({index.flatten()}, (values * weight.unsqueeze(2)).flatten(0, 1), true);
  }
  std::vector<std::int64_t> shape{samples};
  for (const auto side : image.sizes().slice(2)) shape.push_back(side);
  shape.push_back(channels);
  return out.view(shape).movedim(-1, 1).to(image.scalar_type());
}

}  // namespace covector::ops::reference

// For every device without a kernel of its own.
TORCH_LIBRARY_IMPL(covector, CompositeExplicitAutograd, library) {
  namespace ops = covector::ops;
  namespace reference = ops::reference;
  library.impl("warp", &ops::unpacked<&reference::warp>);
  library.impl("warp_image_gradient", &ops::unpacked_gradient<&reference::warp_image_gradient>);
  library.impl("warp_position_gradient",
               &ops::unpacked_gradient<&reference::warp_position_gradient>);
}
