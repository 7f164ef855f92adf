#pragma once

#include "covector/core/export.h"
#include "covector/core/spatial_map.h"

#include <ATen/core/Tensor.h>

/// The operators behind sample_at() and warp(). Shapes and devices have been checked; positions are
/// in the dtype that the image is computed in. The result has dtype and layout of the image, but
/// that maps of less than eight channels come out contiguous.
namespace covector::ops {

/// How an image is read; zero outside.
struct Reading {
  /// Positions are displacements from each voxel of their own grid.
  bool displaced = false;
  Interpolation interpolation = Interpolation::linear;
  GridConvention convention = GridConvention::paper;
};

/// Through the dispatcher, as covector::warp.
/// @param image      [N, C, *input]
/// @param positions  [N, d, *output] voxels, tensor-axis order
/// @returns          [N, C, *output]
COVECTOR_API at::Tensor warp(const at::Tensor& image, const at::Tensor& positions,
                             const Reading& reading);
/// Through the dispatcher, as covector::warp_image_gradient. `grad` is that of the result; of the
/// image, shape and dtype count.
COVECTOR_API at::Tensor warp_image_gradient(const at::Tensor& grad, const at::Tensor& image,
                                            const at::Tensor& positions, const Reading& reading);
/// Through the dispatcher, as covector::warp_position_gradient, for linear interpolation.
COVECTOR_API at::Tensor warp_position_gradient(const at::Tensor& grad, const at::Tensor& image,
                                               const at::Tensor& positions, const Reading& reading);

/// By LibTorch's grid_sample: any device and dtype.
namespace reference {
COVECTOR_API at::Tensor warp(const at::Tensor& image, const at::Tensor& positions,
                             const Reading& reading);
COVECTOR_API at::Tensor warp_image_gradient(const at::Tensor& grad, const at::Tensor& image,
                                            const at::Tensor& positions, const Reading& reading);
COVECTOR_API at::Tensor warp_position_gradient(const at::Tensor& grad, const at::Tensor& image,
                                               const at::Tensor& positions, const Reading& reading);

/// The gradient of the image as sums in a fixed order wherever LibTorch's index_put_ has one, which
/// on CUDA it has when deterministic algorithms are asked for.
COVECTOR_API at::Tensor warp_image_gradient_in_order(const at::Tensor& grad,
                                                     const at::Tensor& image,
                                                     const at::Tensor& positions,
                                                     const Reading& reading);
}  // namespace reference

/// An implementation as the dispatcher calls it.
template <at::Tensor (*kDo)(const at::Tensor&, const at::Tensor&, const Reading&)>
at::Tensor unpacked(const at::Tensor& image, const at::Tensor& positions, bool displaced,
                    bool nearest, bool released) {
  return kDo(image, positions,
             {displaced, nearest ? Interpolation::nearest : Interpolation::linear,
              released ? GridConvention::released : GridConvention::paper});
}
template <at::Tensor (*kDo)(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                            const Reading&)>
at::Tensor unpacked_gradient(const at::Tensor& grad, const at::Tensor& image,
                             const at::Tensor& positions, bool displaced, bool nearest,
                             bool released) {
  return kDo(grad, image, positions,
             {displaced, nearest ? Interpolation::nearest : Interpolation::linear,
              released ? GridConvention::released : GridConvention::paper});
}

}  // namespace covector::ops
