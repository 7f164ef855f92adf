#include "kernels/cuda.h"
#include "ops/cuda/warp_kernel.h"

namespace covector::ops::cuda {

using kernels::blocks_for;
using kernels::first_thing;
using kernels::kThreads;
using kernels::put;
using kernels::thing_step;
using kernels::wide;

namespace {

__host__ __device__ std::int64_t volume(const std::int64_t (&sides)[3]) {
  return sides[0] * sides[1] * sides[2];
}

// A position along one axis: the two voxels beside it, what they weigh, and how that changes with
// the position, as in the CPU's kernel. A voxel outside weighs nothing.
template <class T>
struct Beside {
  std::int64_t voxel[2];
  T weight[2];
  T slope[2];
};

template <class T>
__device__ Beside<T> look(const Space& space, T place, int axis) {
  const auto size = static_cast<T>(space.in[axis]);
  const bool stretched = space.released && space.in[axis] > 1;
  if (stretched) place = place * size / (size - 1) - static_cast<T>(0.5);
  const T rate = stretched ? size / (size - 1) : T(1);
  const T nothing = place == place ? T(0) : place;
  const bool near = place >= -1 && place <= size;
  const T q = near ? place : T(-1);
  if (space.nearest) {
    const T rounded = rint(q);  // ties to even
    const bool inside = rounded >= 0 && rounded < size;
    return {{inside ? static_cast<std::int64_t>(rounded) : 0, 0},
            {inside ? T(1) : nothing, T(0)},
            {T(0), T(0)}};
  }
  const T below = floor(q);
  const auto low = static_cast<std::int64_t>(below);
  const T above = q - below;
  const bool low_inside = low >= 0 && low < space.in[axis];
  const bool high_inside = near && low + 1 < space.in[axis];
  return {{low_inside ? low : 0, high_inside ? low + 1 : 0},
          {low_inside ? 1 - above : nothing, high_inside ? above : nothing},
          {low_inside ? -rate : nothing, high_inside ? rate : nothing}};
}

// The voxels around one position of one sample. Bit k of a corner's number tells the side on the
// k-th axis.
template <class T>
struct Corners {
  __device__ Corners(const Space& space, const T* positions, std::int64_t sample, std::int64_t p)
      : axes(static_cast<int>(space.axes)), count(space.nearest ? 1 : 1 << axes) {
    const std::int64_t own[3] = {p / (space.out[2] * space.out[1]), p / space.out[2] % space.out[1],
                                 p % space.out[2]};
    const auto all = volume(space.out);
    for (int k = 0; k < axes; ++k) {
      const auto axis = 3 - axes + k;
      T place = positions[(sample * axes + k) * all + p];
      if (space.displaced) place += static_cast<T>(own[axis]);
      beside[k] = look(space, place, axis);
      side[k] = space.in[axis];
    }
  }
  __device__ std::int64_t voxel(int corner) const {
    std::int64_t at = 0;
    for (int k = 0; k < axes; ++k) at = at * side[k] + beside[k].voxel[corner >> k & 1];
    return at;
  }
  __device__ T weight(int corner) const {
    T product = 1;
    for (int k = 0; k < axes; ++k) product *= beside[k].weight[corner >> k & 1];
    return product;
  }
  // How the weight of a corner changes along axis `along`.
  __device__ T slope(int corner, int along) const {
    T product = beside[along].slope[corner >> along & 1];
    for (int k = 0; k < axes; ++k)
      if (k != along) product *= beside[k].weight[corner >> k & 1];
    return product;
  }

  int axes;
  int count;
  Beside<T> beside[3];
  std::int64_t side[3];
};

// Number of channel c of voxel v of a map of `all` voxels.
__device__ std::int64_t number(const Space& space, std::int64_t sample, std::int64_t c,
                               std::int64_t v, std::int64_t all) {
  return sample * space.channels * all +
         (space.channels_last ? v * space.channels + c : c * all + v);
}

// What one thread does: a position, and of it all channels, so that it is looked up once; but one
// channel where channels lie side by side, as do the threads.
struct Share {
  __device__ Share(const Space& space, std::int64_t index) {
    const auto each = space.channels_last ? space.channels : 1;
    const auto all = volume(space.out);
    sample = index / each / all;
    position = index / each % all;
    first = space.channels_last ? index % each : 0;
    last = space.channels_last ? first + 1 : space.channels;
  }
  std::int64_t sample, position, first, last;
};
std::int64_t shares(const Space& space) {
  return space.samples * volume(space.out) * (space.channels_last ? space.channels : 1);
}

template <class S>
__global__ void warp(WarpCall<S> call, std::int64_t count) {
  using T = Wide<S>;
  const auto& space = call.space;
  const auto in = volume(space.in);
  const auto out = volume(space.out);
  for (auto index = first_thing(); index < count; index += thing_step()) {
    const Share share(space, index);
    const Corners<T> corners(space, call.positions, share.sample, share.position);
    for (auto c = share.first; c < share.last; ++c) {
      T sum = 0;
      for (int corner = 0; corner < corners.count; ++corner) {
        const T weight = corners.weight(corner);
        if (weight != 0)
          sum +=
              weight * wide(call.image[number(space, share.sample, c, corners.voxel(corner), in)]);
      }
      put(call.out + number(space, share.sample, c, share.position, out), sum);
    }
  }
}

template <class S>
__global__ void position_gradient(PositionGradientCall<S> call, std::int64_t count) {
  using T = Wide<S>;
  const auto& space = call.space;
  const auto in = volume(space.in);
  const auto out = volume(space.out);
  for (auto index = first_thing(); index < count; index += thing_step()) {
    const auto sample = index / out;
    const auto position = index % out;
    const Corners<T> corners(space, call.positions, sample, position);
    T sums[3] = {};
    for (int corner = 0; corner < corners.count; ++corner) {
      const auto voxel = corners.voxel(corner);
      T product = 0;
      for (std::int64_t c = 0; c < space.channels; ++c)
        product += wide(call.grad[number(space, sample, c, position, out)]) *
                   wide(call.image[number(space, sample, c, voxel, in)]);
      for (int k = 0; k < corners.axes; ++k) {
        const T slope = corners.slope(corner, k);
        if (slope != 0) sums[k] += slope * product;
      }
    }
    for (int k = 0; k < corners.axes; ++k)
      call.grad_positions[(sample * corners.axes + k) * out + position] = sums[k];
  }
}

template <class S>
__global__ void image_gradient(ImageGradientCall<S> call, std::int64_t count) {
  using T = Wide<S>;
  const auto& space = call.space;
  const auto in = volume(space.in);
  const auto out = volume(space.out);
  for (auto index = first_thing(); index < count; index += thing_step()) {
    const Share share(space, index);
    const Corners<T> corners(space, call.positions, share.sample, share.position);
    for (auto c = share.first; c < share.last; ++c) {
      const T g = wide(call.grad[number(space, share.sample, c, share.position, out)]);
      for (int corner = 0; corner < corners.count; ++corner) {
        const T weight = corners.weight(corner);
        if (weight != 0)
          atomicAdd(call.grad_image + number(space, share.sample, c, corners.voxel(corner), in),
                    weight * g);
      }
    }
  }
}

template <class Call>
cudaError_t launch(void (*kernel)(Call, std::int64_t), const Call& call, std::int64_t count,
                   cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  kernel<<<blocks_for(count), kThreads, 0, stream>>>(call, count);
  return cudaGetLastError();
}

}  // namespace

template <class S>
cudaError_t start(const WarpCall<S>& call, cudaStream_t stream) {
  return launch(&warp<S>, call, shares(call.space), stream);
}
template <class S>
cudaError_t start(const PositionGradientCall<S>& call, cudaStream_t stream) {
  return launch(&position_gradient<S>, call, call.space.samples * volume(call.space.out), stream);
}
template <class S>
cudaError_t start(const ImageGradientCall<S>& call, cudaStream_t stream) {
  return launch(&image_gradient<S>, call, shares(call.space), stream);
}

template cudaError_t start(const WarpCall<float>&, cudaStream_t);
template cudaError_t start(const WarpCall<double>&, cudaStream_t);
template cudaError_t start(const WarpCall<BFloat16>&, cudaStream_t);
template cudaError_t start(const PositionGradientCall<float>&, cudaStream_t);
template cudaError_t start(const PositionGradientCall<double>&, cudaStream_t);
template cudaError_t start(const PositionGradientCall<BFloat16>&, cudaStream_t);
template cudaError_t start(const ImageGradientCall<float>&, cudaStream_t);
template cudaError_t start(const ImageGradientCall<double>&, cudaStream_t);
template cudaError_t start(const ImageGradientCall<BFloat16>&, cudaStream_t);

}  // namespace covector::ops::cuda
