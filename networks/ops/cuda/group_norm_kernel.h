#pragma once

#include "kernels/numbers.h"

#include <driver_types.h>

#include <cstdint>

/// The CUDA kernels of group normalisation with an activation, started on a stream.
namespace covector::networks::ops::cuda {

using kernels::BFloat16;
using kernels::Wide;

/// A dense map, contiguous or channels last. Statistics are taken of chunks of a group, sums of
/// chunks of a channel; what a chunk gives does not depend on the order that chunks are done in.
struct NormGrid {
  std::int64_t samples;
  std::int64_t channels;
  std::int64_t groups;
  std::int64_t voxels;
  bool channels_last;
};

/// Numbers of a chunk.
inline constexpr std::int64_t kChunk = 16384;
inline std::int64_t group_chunks(const NormGrid& grid) {
  return (grid.channels / grid.groups * grid.voxels + kChunk - 1) / kChunk;
}
inline std::int64_t channel_chunks(const NormGrid& grid) {
  return (grid.voxels + kChunk - 1) / kChunk;
}

template <class S>
struct ForwardNormCall {
  using T = Wide<S>;
  NormGrid grid;
  const S* input;
  const T* weight;  // of every channel
  const T* bias;
  double eps;
  T slope;
  double* parts;  // [samples, groups, group_chunks, 2]: mean, sum of squared differences
  T* mean;        // [samples, groups]
  T* rstd;
  S* out;
};

template <class S>
struct BackwardNormCall {
  using T = Wide<S>;
  NormGrid grid;
  const S* input;
  const S* grad;
  const T* weight;
  const T* bias;
  const T* mean;
  const T* rstd;
  T slope;
  double* parts;  // [samples, channels, channel_chunks, 2]: sums of g and of g (x - mean)
  double* sums;   // [samples, channels, 2]: of all chunks
  T* slant;       // [samples, groups]: grad_input = scale g + slant (x - mean) + offset
  T* offset;
  S* grad_input;
  T* grad_weight;
  T* grad_bias;
};

template <class S>
cudaError_t start(const ForwardNormCall<S>& call, cudaStream_t stream);
template <class S>
cudaError_t start(const BackwardNormCall<S>& call, cudaStream_t stream);

}  // namespace covector::networks::ops::cuda
