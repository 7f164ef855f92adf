#pragma once

#include "kernels/numbers.h"

#include <driver_types.h>

#include <cstdint>

/// The CUDA kernel of linear interpolation, and of its transpose, started on a stream.
namespace covector::networks::ops::cuda {

using kernels::BFloat16;

/// One axis of interpolation from `in` to `out` voxels.
struct ResizeAxis {
  std::int64_t in;
  std::int64_t out;
  double step;
  bool align_corners;
};

/// Source of any strides; the result is dense, contiguous or channels last. Transposed, the source
/// has the `out` voxels of each axis and the result the `in` voxels.
template <class S>
struct ResizeCall {
  ResizeAxis axes[3];  // z, y, x; of one voxel where the map has none
  std::int64_t samples;
  std::int64_t channels;
  std::int64_t sample_step, channel_step;
  std::int64_t steps[3];
  bool channels_last;
  bool transposed;
  const S* source;
  S* result;
};

template <class S>
cudaError_t start(const ResizeCall<S>& call, cudaStream_t stream);

}  // namespace covector::networks::ops::cuda
