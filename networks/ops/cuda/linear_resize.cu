#include "ops/cuda/linear_resize_kernel.h"

#include "kernels/cuda.h"

namespace covector::networks::ops::cuda {

using kernels::blocks_for;
using kernels::first_thing;
using kernels::kThreads;
using kernels::put;
using kernels::thing_step;
using kernels::Wide;
using kernels::wide;

namespace {

// The first of the two input voxels that make up voxel `o`, and what the second weighs.
struct Tap {
  __device__ Tap(const ResizeAxis& axis, std::int64_t o) {
    const auto place = axis.align_corners
                           ? axis.step * static_cast<double>(o)
                           : fmax(0.0, axis.step * (static_cast<double>(o) + 0.5) - 0.5);
    low = min(static_cast<std::int64_t>(place), axis.in - 1);
    part = low + 1 < axis.in ? place - static_cast<double>(low) : 0.0;
  }
  __device__ double weight(std::int64_t i) const {
    return i == low ? 1 - part : i == low + 1 ? part : 0.0;
  }
  std::int64_t low;
  double part;
};

// The source voxels that a voxel of the result gathers along one axis: first to last, among them
// maybe some that weigh nothing.
struct Sources {
  __device__ Sources(const ResizeAxis& of, bool is_transposed, std::int64_t result)
      : axis(of), transposed(is_transposed), index(result) {
    if (!transposed) {
      const Tap tap(axis, index);
      first = tap.low;
      last = min(tap.low + 1, axis.in - 1);
      return;
    }
    first = 0;
    last = axis.out - 1;
    if (axis.step == 0) return;
    // Places grow with the voxel; one to spare on each side for rounding. The border reaches on.
    const auto shift = axis.align_corners ? 0.0 : 0.5;
    const auto voxel_at = [&](double place) { return (place + shift) / axis.step - shift; };
    const auto i = static_cast<double>(index);
    if (index > 0) first = max(first, static_cast<std::int64_t>(voxel_at(i - 1)) - 1);
    if (index + 1 < axis.in) last = min(last, static_cast<std::int64_t>(voxel_at(i + 1)) + 2);
  }
  __device__ double weight(std::int64_t source) const {
    return transposed ? Tap(axis, source).weight(index) : Tap(axis, index).weight(source);
  }
  const ResizeAxis& axis;
  bool transposed;
  std::int64_t index, first, last;
};

// Which number of the result a thread makes.
template <class S>
struct Number {
  __device__ Number(const ResizeCall<S>& call, std::int64_t number) {
    std::int64_t size[3];
    for (int k = 0; k < 3; ++k) size[k] = call.transposed ? call.axes[k].in : call.axes[k].out;
    const auto voxels = size[0] * size[1] * size[2];
    const auto channels = call.channels;
    const auto voxel = call.channels_last ? number / channels % voxels : number % voxels;
    channel = call.channels_last ? number % channels : number / voxels % channels;
    sample = number / (voxels * channels);
    at[0] = voxel / (size[2] * size[1]);
    at[1] = voxel / size[2] % size[1];
    at[2] = voxel % size[2];
  }
  std::int64_t sample, channel, at[3];
};

template <class S>
__global__ void resize(ResizeCall<S> call, std::int64_t count) {
  using T = Wide<S>;
  for (auto index = first_thing(); index < count; index += thing_step()) {
    const Number<S> number(call, index);
    const Sources z(call.axes[0], call.transposed, number.at[0]);
    const Sources y(call.axes[1], call.transposed, number.at[1]);
    const Sources x(call.axes[2], call.transposed, number.at[2]);
    const S* const from =
        call.source + number.sample * call.sample_step + number.channel * call.channel_step;
    T sum = 0;
    for (auto i = x.first; i <= x.last; ++i) {
      const auto weight_x = static_cast<T>(x.weight(i));
      if (weight_x == 0) continue;
      T row = 0;
      for (auto k = z.first; k <= z.last; ++k) {
        const auto weight_z = static_cast<T>(z.weight(k));
        if (weight_z == 0) continue;
        for (auto j = y.first; j <= y.last; ++j) {
          const auto weight = weight_z * static_cast<T>(y.weight(j));
          if (weight != 0)
            row += weight * wide(from[k * call.steps[0] + j * call.steps[1] + i * call.steps[2]]);
        }
      }
      sum += weight_x * row;
    }
    put(call.result + index, sum);
  }
}

}  // namespace

template <class S>
cudaError_t start(const ResizeCall<S>& call, cudaStream_t stream) {
  auto count = call.samples * call.channels;
  for (const auto& axis : call.axes) count *= call.transposed ? axis.in : axis.out;
  if (count == 0) return cudaSuccess;
  resize<S><<<blocks_for(count), kThreads, 0, stream>>>(call, count);
  return cudaGetLastError();
}

template cudaError_t start(const ResizeCall<float>&, cudaStream_t);
template cudaError_t start(const ResizeCall<double>&, cudaStream_t);
template cudaError_t start(const ResizeCall<BFloat16>&, cudaStream_t);

}  // namespace covector::networks::ops::cuda
