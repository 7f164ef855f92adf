#include "covector/core/spatial_map.h"

#include "covector/core/check.h"
#include "kernels/dtype.h"
#include "ops/warp.h"

#include <torch/types.h>

#include <stdexcept>
#include <string>

namespace covector {
namespace {

// [N, d + 1, d + 1] with the row (0 ... 0 1) that makes composition a product.
at::Tensor homogeneous(const at::Tensor& matrix) {
  const auto d = matrix.size(1);
  auto last = torch::zeros({matrix.size(0), 1, d + 1}, torch::kFloat64);
  last.select(2, d).fill_(1.0);
  return torch::cat({matrix, last}, 1);
}

at::Tensor axis_sizes(at::IntArrayRef size, const at::TensorOptions& options) {
  std::vector<std::int64_t> shape(size.size() + 2, 1);
  shape[1] = static_cast<std::int64_t>(size.size());
  return torch::tensor(size.vec(), torch::kFloat64).view(shape).to(options);
}

at::Tensor read(const at::Tensor& image, const at::Tensor& positions, const ops::Reading& reading) {
  const auto d = image.dim() - 2;
  if (d != 2 && d != 3)
    throw std::invalid_argument("image: expected [N, C, H, W] or [N, C, D, H, W]");
  const std::string name = reading.displaced ? "displacement" : "coordinates";
  if (positions.dim() != image.dim() || positions.size(0) != image.size(0) ||
      positions.size(1) != d)
    throw std::invalid_argument(name + ": expected [" + std::to_string(image.size(0)) + ", " +
                                std::to_string(d) + ", ...]");
  if (!image.is_floating_point() || !positions.is_floating_point())
    throw std::invalid_argument("image and " + name + ": expected floating point");
  if (image.device() != positions.device())
    throw std::invalid_argument("image is on " + image.device().str() + ", " + name + " on " +
                                positions.device().str());
  // Half precision cannot tell neighbours apart.
  return ops::warp(image, positions.to(kernels::computed_in(image.scalar_type())), reading);
}

}  // namespace

SpatialMap::SpatialMap(at::Tensor matrix, std::vector<std::int64_t> size)
    : matrix_(std::move(matrix)), size_(std::move(size)) {
  const auto d = static_cast<std::int64_t>(size_.size());
  check_shape("matrix", matrix_, {kAny, d, d + 1});
}

SpatialMap SpatialMap::identity(std::int64_t batch, std::vector<std::int64_t> size) {
  const auto d = static_cast<std::int64_t>(size.size());
  return {torch::eye(d, d + 1, torch::kFloat64).repeat({batch, 1, 1}), std::move(size)};
}

SpatialMap SpatialMap::translation(const at::Tensor& offset, std::vector<std::int64_t> size) {
  auto map = identity(offset.size(0), std::move(size));
  map.matrix_.select(2, map.dimensions()).copy_(offset);
  return map;
}

std::int64_t SpatialMap::batch() const {
  return matrix_.size(0);
}
std::int64_t SpatialMap::dimensions() const {
  return matrix_.size(1);
}

SpatialMap SpatialMap::then_read(const SpatialMap& inner) const {
  return {torch::matmul(inner.matrix_, homogeneous(matrix_)), size_};
}

SpatialMap SpatialMap::inverse(std::vector<std::int64_t> input_size) const {
  const auto d = dimensions();
  const auto linear = matrix_.slice(2, 0, d);
  if ((torch::linalg_det(linear).abs() < 1e-12).any().item<bool>())
    throw std::invalid_argument("the spatial map is singular and has no inverse");
  const auto inverse = torch::linalg_inv(linear);
  const auto shift = -torch::matmul(inverse, matrix_.slice(2, d, d + 1));
  return {torch::cat({inverse, shift}, 2), std::move(input_size)};
}

at::Tensor SpatialMap::coordinates(const at::TensorOptions& options) const {
  const auto d = dimensions();
  const auto matrix = matrix_.to(options);
  std::vector<std::int64_t> spread{batch(), d};
  spread.resize(d + 2, 1);
  auto position = matrix.select(2, d).reshape(spread);
  // One axis at a time, by broadcasting: A p = sum over axes of column * index.
  for (std::int64_t axis = 0; axis < d; ++axis) {
    std::vector<std::int64_t> along(d + 2, 1);
    along[axis + 2] = size_[axis];
    position = position + matrix.select(2, axis).reshape(spread) *
                              torch::arange(size_[axis], options).view(along);
  }
  return position;
}

at::Tensor SpatialMap::displacement_to(const SpatialMap& other,
                                       const at::TensorOptions& options) const {
  const auto relative = then_read(other.inverse(size_));
  // The identity leaves the matrix in float64, before anything is rounded to the field's dtype.
  const auto identity = torch::eye(dimensions(), dimensions() + 1, torch::kFloat64);
  return SpatialMap(relative.matrix_ - identity, size_).coordinates(options);
}

at::Tensor sample_at(const at::Tensor& image, const at::Tensor& coordinates,
                     Interpolation interpolation, GridConvention convention) {
  return read(image, coordinates, {false, interpolation, convention});
}

at::Tensor voxel_grid(at::IntArrayRef size, const at::TensorOptions& options) {
  return SpatialMap::identity(1, size.vec()).coordinates(options);
}

at::Tensor warp(const at::Tensor& image, const at::Tensor& displacement,
                GridConvention convention) {
  return read(image, displacement, {true, Interpolation::linear, convention});
}

at::Tensor inside(const at::Tensor& displacement, GridConvention convention) {
  const auto size = displacement.sizes().slice(2);
  const auto position = voxel_grid(size, displacement.options()) + displacement;
  const auto low = convention == GridConvention::paper ? position.ge(0) : position.gt(0);
  return low.logical_and(position.le(axis_sizes(size, displacement.options()) - 1)).all(1, true);
}

}  // namespace covector
