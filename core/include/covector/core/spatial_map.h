#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

#include <vector>

namespace covector {

enum class Interpolation { linear, nearest };

/// How a voxel coordinate becomes a sampling position.
///   paper:    voxel q is read at q (corner centres at 0 and size - 1).
///   released: voxel q is read at q * size / (size - 1) - 1/2, as the authors' code does by
///   normalising
///             with size - 1 while sampling with align_corners = false.
enum class GridConvention { paper, released };

/// An affine map between voxel grids, one matrix per sample: output voxel p reads position
/// q(p) = A p + t of the input grid ("pull"). Axis order is that of the tensor, (D, H, W) or (H,
/// W).
class COVECTOR_API SpatialMap {
 public:
  /// @param matrix  [N, d, d + 1] float64 on the CPU: A and, last column, t in voxels of the input
  /// grid
  /// @param size    the output grid, d numbers
  SpatialMap(at::Tensor matrix, std::vector<std::int64_t> size);
  static SpatialMap identity(std::int64_t batch, std::vector<std::int64_t> size);
  /// Output voxel p reads p + offset of its sample. offset [N, d] float64.
  static SpatialMap translation(const at::Tensor& offset, std::vector<std::int64_t> size);

  std::int64_t batch() const;
  std::int64_t dimensions() const;
  const std::vector<std::int64_t>& size() const { return size_; }
  const at::Tensor& matrix() const { return matrix_; }

  /// The map that reads `inner` at this map's positions: p -> inner(this(p)), on this map's grid.
  SpatialMap then_read(const SpatialMap& inner) const;
  /// The map from the input grid, of the given size, back to this map's output.
  /// Throws std::invalid_argument when a matrix is singular.
  SpatialMap inverse(std::vector<std::int64_t> input_size) const;

  /// q(p) for every output voxel: [N, d, *size], on the device and of the dtype asked for.
  at::Tensor coordinates(const at::TensorOptions& options) const;
  /// Displacement vector field from this grid into the grid of `other`, where both read the same
  /// input: u(p) = other^-1(this(p)) - p, in voxels, [N, d, *size]. The voxel p of this view shows
  /// what the voxel p + u(p) of the other shows.
  at::Tensor displacement_to(const SpatialMap& other, const at::TensorOptions& options) const;

 private:
  at::Tensor matrix_;
  std::vector<std::int64_t> size_;
};

/// Reads an image at given positions; zero outside.
/// @param image        [N, C, *input] floating point
/// @param coordinates  [N, d, *output] positions in voxels of the input, tensor-axis order
/// @returns            [N, C, *output]; differentiable in both arguments
COVECTOR_API at::Tensor sample_at(const at::Tensor& image, const at::Tensor& coordinates,
                                  Interpolation interpolation = Interpolation::linear,
                                  GridConvention convention = GridConvention::paper);

/// Warps an image by a displacement vector field: out(p) = image(p + u(p)), zero outside.
/// @param displacement  [N, d, *size] voxels, tensor-axis order, on the grid of the image
COVECTOR_API at::Tensor warp(const at::Tensor& image, const at::Tensor& displacement,
                             GridConvention convention = GridConvention::paper);

/// [N, 1, *size] true where p + u(p) lies inside a grid of the same size on every axis.
///   paper: 0 <= p + u <= size - 1; released: 0 < p + u <= size - 1 (the published code excludes
///   0).
COVECTOR_API at::Tensor inside(const at::Tensor& displacement,
                               GridConvention convention = GridConvention::paper);

/// Voxel indices of a grid: [1, d, *size].
COVECTOR_API at::Tensor voxel_grid(at::IntArrayRef size, const at::TensorOptions& options);

}  // namespace covector
