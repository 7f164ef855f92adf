#pragma once

#include "kernels/numbers.h"

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

/// What the CUDA kernels share. For .cu files.
namespace covector::kernels {

inline constexpr std::int64_t kThreads = 256;

/// Blocks of kThreads for a kernel whose threads stride over `count` things.
inline unsigned blocks_for(std::int64_t count) {
  constexpr std::int64_t kMost = 1 << 20;
  const auto blocks = (count + kThreads - 1) / kThreads;
  return static_cast<unsigned>(blocks < kMost ? blocks : kMost);
}

/// The first of the things that a thread does, and how far it is to its next one.
inline __device__ std::int64_t first_thing() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
inline __device__ std::int64_t thing_step() {
  return static_cast<std::int64_t>(gridDim.x) * blockDim.x;
}

inline __device__ float wide(float x) {
  return x;
}
inline __device__ double wide(double x) {
  return x;
}
inline __device__ float wide(BFloat16 x) {
  return __uint_as_float(static_cast<unsigned>(x.bits) << 16);
}

inline __device__ void put(float* to, float x) {
  *to = x;
}
inline __device__ void put(double* to, double x) {
  *to = x;
}
/// Rounded to the nearest, ties to even.
inline __device__ void put(BFloat16* to, float x) {
  to->bits = __bfloat16_as_ushort(__float2bfloat16_rn(x));
}

}  // namespace covector::kernels
