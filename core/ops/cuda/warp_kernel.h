#pragma once

#include "ops/warp_calls.h"

#include <driver_types.h>

/// The CUDA kernels of reading an image at positions, started on a stream.
namespace covector::ops::cuda {

template <class S>
cudaError_t start(const WarpCall<S>& call, cudaStream_t stream);
template <class S>
cudaError_t start(const PositionGradientCall<S>& call, cudaStream_t stream);
/// Adds atomically, in any order.
template <class S>
cudaError_t start(const ImageGradientCall<S>& call, cudaStream_t stream);

}  // namespace covector::ops::cuda
