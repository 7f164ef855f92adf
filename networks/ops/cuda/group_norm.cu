#include "ops/cuda/group_norm_kernel.h"

#include "kernels/cuda.h"

namespace covector::networks::ops::cuda {

using kernels::blocks_for;
using kernels::first_thing;
using kernels::kThreads;
using kernels::put;
using kernels::thing_step;
using kernels::wide;

namespace {

// The sum of what the threads of a block hold, for each of them. Pairs in a fixed order.
__device__ double sum_of_block(double mine) {
  __shared__ double sums[kThreads];
  sums[threadIdx.x] = mine;
  __syncthreads();
  for (unsigned half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    __syncthreads();
  }
  const auto sum = sums[0];
  __syncthreads();
  return sum;
}

__device__ std::int64_t number(const NormGrid& grid, std::int64_t sample, std::int64_t channel,
                               std::int64_t voxel) {
  return sample * grid.channels * grid.voxels +
         (grid.channels_last ? voxel * grid.channels + channel : channel * grid.voxels + voxel);
}

// Number i of a group, in the order of memory.
__device__ std::int64_t number_of_group(const NormGrid& grid, std::int64_t group, std::int64_t i) {
  const auto each = grid.channels / grid.groups;
  const auto first = group % grid.groups * each;
  const auto channel = grid.channels_last ? i % each : i / grid.voxels;
  const auto voxel = grid.channels_last ? i / each : i % grid.voxels;
  return number(grid, group / grid.groups, first + channel, voxel);
}

// A block a chunk, in two passes: mean, then squared differences with what rounding left of it.
template <class S>
__global__ void moments(ForwardNormCall<S> call, std::int64_t chunks) {
  const auto& grid = call.grid;
  const auto size = grid.channels / grid.groups * grid.voxels;
  const auto group = blockIdx.x / chunks;
  const auto first = blockIdx.x % chunks * kChunk;
  const auto last = min(first + kChunk, size);
  const auto count = static_cast<double>(last - first);
  double sum = 0;
  for (auto i = first + threadIdx.x; i < last; i += kThreads)
    sum += wide(call.input[number_of_group(grid, group, i)]);
  const auto mean = sum_of_block(sum) / count;
  double left = 0;
  double square = 0;
  for (auto i = first + threadIdx.x; i < last; i += kThreads) {
    const auto away = wide(call.input[number_of_group(grid, group, i)]) - mean;
    left += away;
    square += away * away;
  }
  left = sum_of_block(left);
  square = sum_of_block(square);
  if (threadIdx.x > 0) return;
  call.parts[2 * blockIdx.x] = mean + left / count;
  call.parts[2 * blockIdx.x + 1] = square - left * left / count;
}

// A thread a group: its chunks put together.
template <class S>
__global__ void statistics(ForwardNormCall<S> call, std::int64_t chunks, std::int64_t count) {
  using T = Wide<S>;
  const auto size = call.grid.channels / call.grid.groups * call.grid.voxels;
  for (auto group = first_thing(); group < count; group += thing_step()) {
    const auto* const parts = call.parts + 2 * group * chunks;
    const auto length = [&](std::int64_t k) {
      return static_cast<double>(min(kChunk, size - k * kChunk));
    };
    double sum = 0;
    for (std::int64_t k = 0; k < chunks; ++k) sum += length(k) * parts[2 * k];
    const auto mean = sum / static_cast<double>(size);
    double square = 0;
    for (std::int64_t k = 0; k < chunks; ++k) {
      const auto away = parts[2 * k] - mean;
      square += parts[2 * k + 1] + length(k) * away * away;
    }
    call.mean[group] = static_cast<T>(mean);
    call.rstd[group] = static_cast<T>(1 / sqrt(square / static_cast<double>(size) + call.eps));
  }
}

// Of one number of the map: its channel and group, and y = (x - mean) scale + shift.
template <class T>
struct Affine {
  template <class Call>
  __device__ Affine(const Call& call, std::int64_t index) {
    const auto& grid = call.grid;
    channel = grid.channels_last ? index % grid.channels : index / grid.voxels % grid.channels;
    const auto sample = index / (grid.channels * grid.voxels);
    group = sample * grid.groups + channel / (grid.channels / grid.groups);
    mean = call.mean[group];
    scale = call.rstd[group] * call.weight[channel];
    shift = call.bias[channel];
  }
  __device__ T result(T away) const { return away * scale + shift; }
  // The gradient before the activation from that after it.
  __device__ T gradient(T after, T away, T slope) const {
    return result(away) > 0 ? after : after * slope;
  }
  std::int64_t channel, group;
  T mean, scale, shift;
};

template <class S>
__global__ void normalize(ForwardNormCall<S> call, std::int64_t count) {
  using T = Wide<S>;
  for (auto index = first_thing(); index < count; index += thing_step()) {
    const Affine<T> affine(call, index);
    const T y = affine.result(wide(call.input[index]) - affine.mean);
    put(call.out + index, y > 0 ? y : y * call.slope);
  }
}

// A block a chunk of one channel of one sample.
template <class S>
__global__ void channel_sums(BackwardNormCall<S> call, std::int64_t chunks) {
  using T = Wide<S>;
  const auto& grid = call.grid;
  const auto of_sample = blockIdx.x / chunks;
  const auto first = blockIdx.x % chunks * kChunk;
  const auto last = min(first + kChunk, grid.voxels);
  double sum = 0;
  double moment = 0;
  for (auto voxel = first + threadIdx.x; voxel < last; voxel += kThreads) {
    const auto index = number(grid, of_sample / grid.channels, of_sample % grid.channels, voxel);
    const Affine<T> affine(call, index);
    const T away = wide(call.input[index]) - affine.mean;
    const T g = affine.gradient(wide(call.grad[index]), away, call.slope);
    sum += g;
    moment += g * away;
  }
  sum = sum_of_block(sum);
  moment = sum_of_block(moment);
  if (threadIdx.x > 0) return;
  call.parts[2 * blockIdx.x] = sum;
  call.parts[2 * blockIdx.x + 1] = moment;
}

// A thread a group: what of the gradient is the same for all its numbers, see the CPU's backward.
template <class S>
__global__ void group_sums(BackwardNormCall<S> call, std::int64_t chunks, std::int64_t count) {
  using T = Wide<S>;
  const auto& grid = call.grid;
  const auto each = grid.channels / grid.groups;
  for (auto group = first_thing(); group < count; group += thing_step()) {
    double weighted_sum = 0;
    double weighted_moment = 0;
    for (auto c = group * each; c < (group + 1) * each; ++c) {  // on from sample to sample
      double sum = 0;
      double moment = 0;
      for (auto k = c * chunks; k < (c + 1) * chunks; ++k) {
        sum += call.parts[2 * k];
        moment += call.parts[2 * k + 1];
      }
      call.sums[2 * c] = sum;
      call.sums[2 * c + 1] = moment;
      weighted_sum += sum * call.weight[c % grid.channels];
      weighted_moment += moment * call.weight[c % grid.channels];
    }
    const auto size = static_cast<double>(each * grid.voxels);
    const double rstd = call.rstd[group];
    call.slant[group] = static_cast<T>(-rstd * rstd * rstd * weighted_moment / size);
    call.offset[group] = static_cast<T>(-rstd * weighted_sum / size);
  }
}

// A thread a channel: the gradients of weight and bias, over samples.
template <class S>
__global__ void parameter_sums(BackwardNormCall<S> call) {
  using T = Wide<S>;
  const auto& grid = call.grid;
  const auto each = grid.channels / grid.groups;
  for (auto c = first_thing(); c < grid.channels; c += thing_step()) {
    double weight = 0;
    double bias = 0;
    for (std::int64_t n = 0; n < grid.samples; ++n) {
      const auto* const sums = call.sums + 2 * (n * grid.channels + c);
      bias += sums[0];
      weight += sums[1] * static_cast<double>(call.rstd[n * grid.groups + c / each]);
    }
    call.grad_weight[c] = static_cast<T>(weight);
    call.grad_bias[c] = static_cast<T>(bias);
  }
}

template <class S>
__global__ void gradient(BackwardNormCall<S> call, std::int64_t count) {
  using T = Wide<S>;
  for (auto index = first_thing(); index < count; index += thing_step()) {
    const Affine<T> affine(call, index);
    const T away = wide(call.input[index]) - affine.mean;
    const T g = affine.gradient(wide(call.grad[index]), away, call.slope);
    put(call.grad_input + index,
        affine.scale * g + (call.slant[affine.group] * away + call.offset[affine.group]));
  }
}

std::int64_t numbers(const NormGrid& grid) {
  return grid.samples * grid.channels * grid.voxels;
}

}  // namespace

template <class S>
cudaError_t start(const ForwardNormCall<S>& call, cudaStream_t stream) {
  const auto groups = call.grid.samples * call.grid.groups;
  const auto chunks = group_chunks(call.grid);
  const auto count = numbers(call.grid);
  moments<S><<<static_cast<unsigned>(groups * chunks), kThreads, 0, stream>>>(call, chunks);
  statistics<S><<<blocks_for(groups), kThreads, 0, stream>>>(call, chunks, groups);
  normalize<S><<<blocks_for(count), kThreads, 0, stream>>>(call, count);
  return cudaGetLastError();
}

template <class S>
cudaError_t start(const BackwardNormCall<S>& call, cudaStream_t stream) {
  const auto& grid = call.grid;
  const auto groups = grid.samples * grid.groups;
  const auto chunks = channel_chunks(grid);
  const auto count = numbers(grid);
  const auto blocks = static_cast<unsigned>(grid.samples * grid.channels * chunks);
  channel_sums<S><<<blocks, kThreads, 0, stream>>>(call, chunks);
  group_sums<S><<<blocks_for(groups), kThreads, 0, stream>>>(call, chunks, groups);
  parameter_sums<S><<<blocks_for(grid.channels), kThreads, 0, stream>>>(call);
  gradient<S><<<blocks_for(count), kThreads, 0, stream>>>(call, count);
  return cudaGetLastError();
}

template cudaError_t start(const ForwardNormCall<float>&, cudaStream_t);
template cudaError_t start(const ForwardNormCall<double>&, cudaStream_t);
template cudaError_t start(const ForwardNormCall<BFloat16>&, cudaStream_t);
template cudaError_t start(const BackwardNormCall<float>&, cudaStream_t);
template cudaError_t start(const BackwardNormCall<double>&, cudaStream_t);
template cudaError_t start(const BackwardNormCall<BFloat16>&, cudaStream_t);

}  // namespace covector::networks::ops::cuda
