#pragma once

#include "ops/vector_embedding_calls.h"

#include <driver_types.h>

/// The CUDA kernels of the vector embedding unit, started on a stream.
namespace covector::networks::ops::cuda {

template <class T>
cudaError_t start(const ForwardCall<T>& call, cudaStream_t stream);
/// Gathers over the keys around a query and over the queries around a key, as the CPU's loops: the
/// sums have a fixed order.
template <class T>
cudaError_t start(const BackwardCall<T>& call, cudaStream_t stream);

}  // namespace covector::networks::ops::cuda
