#pragma once

#include "kernels/numbers.h"

#include <cstdint>

/// The loops of linear interpolation for CPUs, compiled once an instruction set: a map that is
/// linear and apart along each axis, be it interpolation or its transpose.
///
/// The loops may use no inline function from a header, see kernels/simd.h.
namespace covector::networks::ops::cpu {

using kernels::BFloat16;
using kernels::kMostLanes;
using kernels::Wide;

/// One axis: result i is the sum over t of weight[t * size + i] times input from[t * size + i].
template <class T>
struct Taps {
  std::int64_t count;
  std::int64_t size;  // of the result
  const std::int32_t* from;
  const T* weight;
};

/// Input of any strides but along channels, which lie side by side; in contiguous layout each
/// channel is a slab of one channel. The result is dense, slab after slab.
template <class S>
struct ResizeCall {
  std::int64_t channels;  // of a slab
  std::int64_t slabs;     // of a sample
  std::int64_t width;     // of the input
  std::int64_t sample_step, slab_step, z_step, y_step, x_step;
  Taps<Wide<S>> z, y, x;
  const S* input;
  S* out;
};

/// What a thread needs to itself: a row of the input and one of the result, and the input rows that
/// make up a row of the result.
template <class S>
struct ResizeScratch {
  Wide<S>* row;         // [width * channels + kMostLanes]
  Wide<S>* result;      // [x.size + kMostLanes]
  const S** rows;       // [z.count * y.count]
  Wide<S>* row_weight;  // [z.count * y.count]
};

/// Does the rows begin .. end - 1 of the result, samples * slabs * z.size * y.size in all.
template <class S>
using ResizeLoop = void (*)(const ResizeCall<S>&, std::int64_t begin, std::int64_t end,
                            const ResizeScratch<S>&);

struct LinearResizeKernel {
  ResizeLoop<float> f32;
  ResizeLoop<double> f64;
  ResizeLoop<BFloat16> bf16;
};

extern const LinearResizeKernel kLinearResizeDefault;
#ifdef COVECTOR_X86
extern const LinearResizeKernel kLinearResizeAvx2;
extern const LinearResizeKernel kLinearResizeAvx512;
#endif

}  // namespace covector::networks::ops::cpu
