#pragma once

#include "kernels/numbers.h"

#include <cstdint>

/// The loops of group normalisation with an activation for CPUs, compiled once an instruction set.
///
/// The loops may use no inline function from a header: the linker keeps one copy of each, and might
/// keep that of an instruction set which the machine lacks.
namespace covector::networks::ops::cpu {

using kernels::BFloat16;
using kernels::kMostLanes;
using kernels::Wide;

/// A map as the loops see it: slabs one after the other in memory, [voxels, channels] each. In
/// channels-last layout that is a sample, in contiguous layout one channel of a sample; either way
/// sample and channel count on from slab to slab.
///
/// The unit of work is a chunk of a slab, whose results do not depend on which thread does it.
/// Within a chunk the loops run over rows of `repeats` voxels, long enough for vectors whatever the
/// number of channels.
struct Slabs {
  std::int64_t count;
  std::int64_t voxels;
  std::int64_t channels;
  std::int64_t repeats;  // a power of two
  std::int64_t chunk;    // voxels of one, a multiple of repeats
  std::int64_t chunks;   // of a slab
};

/// Of every channel of every sample, in that order: y = (x - mean) scale + shift, times slope where
/// that is not positive.
template <class T>
struct Affine {
  const T* mean;
  const T* scale;
  const T* shift;
  T slope;
};

template <class S>
struct ForwardNormCall {
  Slabs slabs;
  const S* input;
  // Of each channel of each chunk, [slabs, chunks, channels]: mean, and sum of squared differences.
  double* means;
  double* squares;
  Affine<Wide<S>> affine;
  S* out;
};

template <class S>
struct BackwardNormCall {
  Slabs slabs;
  const S* input;
  const S* grad;
  Affine<Wide<S>> affine;
  // Of each channel of each chunk: sums of g and of g (x - mean), g the gradient before the
  // activation.
  Wide<S>* sums;
  Wide<S>* moments;
  // Of every channel of every sample: grad_input = scale g + slant (x - mean) + offset.
  const Wide<S>* slant;
  const Wide<S>* offset;
  S* grad_input;
};

/// Each function does the chunks begin .. end - 1 of slabs.count * slabs.chunks. `scratch` are
/// norm_scratch() numbers of the thread's own. The second function of each pair follows the first
/// on all chunks of a group.
template <class S>
struct NormLoops {
  using T = Wide<S>;
  void (*moments)(const ForwardNormCall<S>&, std::int64_t begin, std::int64_t end, T* scratch);
  void (*normalize)(const ForwardNormCall<S>&, std::int64_t begin, std::int64_t end, T* scratch);
  void (*sums)(const BackwardNormCall<S>&, std::int64_t begin, std::int64_t end, T* scratch);
  void (*gradient)(const BackwardNormCall<S>&, std::int64_t begin, std::int64_t end, T* scratch);
};

/// Rows of numbers, one a channel of each of `repeats` voxels, that a thread needs to itself.
inline constexpr std::int64_t kNormRows = 5;
inline std::int64_t norm_scratch(const Slabs& slabs) {
  return kNormRows * (slabs.repeats * slabs.channels + kMostLanes);
}

template <class S>
struct NormLoopsOf {
  NormLoops<S> one;   // for slabs of one channel
  NormLoops<S> many;  // for any others
};
struct GroupNormKernel {
  NormLoopsOf<float> f32;
  NormLoopsOf<double> f64;
  NormLoopsOf<BFloat16> bf16;
};

extern const GroupNormKernel kGroupNormDefault;
#ifdef COVECTOR_X86
extern const GroupNormKernel kGroupNormAvx2;
extern const GroupNormKernel kGroupNormAvx512;
#endif

}  // namespace covector::networks::ops::cpu
