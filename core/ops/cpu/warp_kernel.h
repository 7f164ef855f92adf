#pragma once

#include "ops/warp_calls.h"

#include <cstdint>

/// The loops of reading an image at positions for CPUs, compiled once an instruction set.
///
/// The loops may use no inline function from a header, see kernels/simd.h.
namespace covector::ops::cpu {

/// Positions that are worked on together, of one sample.
inline constexpr std::int64_t kTile = 128;
/// Channels of a channels-last image whose gradient one thread adds up: a line of the cache.
inline constexpr std::int64_t kBlock = 16;

/// The first two do the tiles begin .. end - 1 of samples * (tiles of a sample). The third does
/// blocks of channels, one channel each in contiguous layout, else kBlock of them, counted on from
/// sample to sample: whoever adds up a channel does so in the order of the positions.
template <class S>
struct WarpLoops {
  void (*warp)(const WarpCall<S>&, std::int64_t begin, std::int64_t end);
  void (*position_gradient)(const PositionGradientCall<S>&, std::int64_t begin, std::int64_t end);
  void (*image_gradient)(const ImageGradientCall<S>&, std::int64_t begin, std::int64_t end);
};

struct WarpKernel {
  WarpLoops<float> f32;
  WarpLoops<double> f64;
  WarpLoops<BFloat16> bf16;
};

extern const WarpKernel kWarpDefault;
#ifdef COVECTOR_X86
extern const WarpKernel kWarpAvx2;
extern const WarpKernel kWarpAvx512;
#endif

}  // namespace covector::ops::cpu
