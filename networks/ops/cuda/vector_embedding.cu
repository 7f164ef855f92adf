#include "ops/cuda/vector_embedding_kernel.h"

#include "kernels/cuda.h"

namespace covector::networks::ops::cuda {

using kernels::blocks_for;
using kernels::first_thing;
using kernels::kThreads;
using kernels::thing_step;

namespace {

constexpr double kOutsideLogit = -1000;
// Channels whose gradients a thread keeps at a time.
constexpr std::int64_t kChannels = 8;

// One voxel of one unit, and where it lies in the tensors.
struct Place {
  __device__ Place(const Grid& grid, std::int64_t index) {
    voxels = grid.depth * grid.height * grid.width;
    const auto voxel = index % voxels;
    const auto unit = index / voxels;
    x = voxel % grid.width;
    y = voxel / grid.width % grid.height;
    z = voxel / (grid.width * grid.height);
    step = grid.groups * voxels;
    scalar = index;
    vector = unit * grid.axes * voxels + voxel;
    feature =
        (unit / grid.groups * grid.groups * grid.head_dim + unit % grid.groups) * voxels + voxel;
  }
  std::int64_t x, y, z;
  std::int64_t voxels, step;  // from axis to axis of a vector, from channel to channel
  std::int64_t scalar;        // in peak, largest, slope
  std::int64_t vector;        // in vectors and their gradient
  std::int64_t feature;       // in query, key and their gradients
};

// Calls visit(z, y, x, step) for every offset of the neighbourhood, in order; `step` is how far the
// neighbour lies in memory, and `inside` whether it lies in the grid.
template <class Visit>
__device__ void for_each_neighbour(const Grid& grid, const Place& place, Visit visit) {
  const auto r = grid.radius;
  const auto rz = grid.axes == 3 ? r : 0;
  for (auto z = -rz; z <= rz; ++z)
    for (auto y = -r; y <= r; ++y)
      for (auto x = -r; x <= r; ++x) {
        const bool inside = 0 <= place.z + z && place.z + z < grid.depth && 0 <= place.y + y &&
                            place.y + y < grid.height && 0 <= place.x + x &&
                            place.x + x < grid.width;
        visit(z, y, x, (z * grid.height + y) * grid.width + x, inside);
      }
}

template <class T>
__device__ T inverse_root(std::int64_t n) {
  return static_cast<T>(1 / sqrt(static_cast<double>(n)));
}

template <class T>
__device__ T dot(const T* a, const T* b, const Place& place, const Grid& grid) {
  T sum = 0;
  for (std::int64_t c = 0; c < grid.head_dim; ++c) sum += a[c * place.step] * b[c * place.step];
  return sum;
}

// A thread a voxel, online softmax: sums are scaled down whenever a larger logit turns up.
template <class T>
__global__ void forward(ForwardCall<T> call, std::int64_t count) {
  const auto& grid = call.grid;
  const T scale = inverse_root<T>(grid.head_dim);
  for (auto index = first_thing(); index < count; index += thing_step()) {
    const Place place(grid, index);
    const T* const query = call.query + place.feature;
    const T* const key = call.key + place.feature;
    T peak = static_cast<T>(-INFINITY);
    T total = 0;
    T sums[3] = {};
    for_each_neighbour(
        grid, place,
        [&](std::int64_t z, std::int64_t y, std::int64_t x, std::int64_t step, bool inside) {
          const T logit =
              inside ? scale * dot(query, key + step, place, grid) : static_cast<T>(kOutsideLogit);
          if (logit > peak) {
            const T less = exp(peak - logit);
            total *= less;
            for (auto& sum : sums) sum *= less;
            peak = logit;
          }
          const T weight = exp(logit - peak);
          total += weight;
          sums[0] += weight * static_cast<T>(z);
          sums[1] += weight * static_cast<T>(y);
          sums[2] += weight * static_cast<T>(x);
        });
    const T largest = 1 / total;
    call.peak[place.scalar] = peak;
    call.largest[place.scalar] = largest;
    for (std::int64_t axis = 0; axis < grid.axes; ++axis)
      call.vectors[place.vector + axis * place.voxels] = sums[3 - grid.axes + axis] * largest;
  }
}

// The gradient of a query gathers over the keys around it; that of a key over the queries around
// it, each of which sees the key at the opposite offset. A neighbour outside has a constant logit.
template <class T, bool kOfKey>
__global__ void backward(BackwardCall<T> call, std::int64_t count) {
  const auto& grid = call.grid;
  const T scale = inverse_root<T>(grid.head_dim);
  const T sign = kOfKey ? -1 : 1;
  for (auto index = first_thing(); index < count; index += thing_step()) {
    const Place place(grid, index);
    const T* const own = (kOfKey ? call.key : call.query) + place.feature;
    const T* const other = (kOfKey ? call.query : call.key) + place.feature;
    T* const out = (kOfKey ? call.grad_key : call.grad_query) + place.feature;
    for (std::int64_t first = 0; first < grid.head_dim; first += kChannels) {
      const auto channels = min(kChannels, grid.head_dim - first);
      T sums[kChannels] = {};
      for_each_neighbour(
          grid, place,
          [&](std::int64_t z, std::int64_t y, std::int64_t x, std::int64_t step, bool inside) {
            if (!inside) return;
            const auto at_query = kOfKey ? step : 0;
            const T logit = scale * dot(own, other + step, place, grid);
            const T weight = exp(logit - call.peak[place.scalar + at_query]) *
                             call.largest[place.scalar + at_query];
            const T* const grad = call.grad + place.vector + at_query;
            const T along_x = grad[(grid.axes - 1) * place.voxels] * static_cast<T>(x);
            const T along_y = grad[(grid.axes - 2) * place.voxels] * static_cast<T>(y);
            const T along_z = grid.axes == 3 ? grad[0] * static_cast<T>(z) : T(0);
            const T along =
                sign * (along_z + along_y + along_x) - call.slope[place.scalar + at_query];
            const T change = scale * weight * along;
            for (std::int64_t c = 0; c < channels; ++c)
              sums[c] += change * other[step + (first + c) * place.step];
          });
      for (std::int64_t c = 0; c < channels; ++c) out[(first + c) * place.step] = sums[c];
    }
  }
}

std::int64_t positions(const Grid& grid) {
  return grid.batch * grid.groups * grid.depth * grid.height * grid.width;
}

template <class Call>
cudaError_t launch(void (*kernel)(Call, std::int64_t), const Call& call, cudaStream_t stream) {
  const auto count = positions(call.grid);
  if (count == 0) return cudaSuccess;
  kernel<<<blocks_for(count), kThreads, 0, stream>>>(call, count);
  return cudaGetLastError();
}

}  // namespace

template <class T>
cudaError_t start(const ForwardCall<T>& call, cudaStream_t stream) {
  return launch(&forward<T>, call, stream);
}
template <class T>
cudaError_t start(const BackwardCall<T>& call, cudaStream_t stream) {
  const auto error = launch(&backward<T, false>, call, stream);
  return error == cudaSuccess ? launch(&backward<T, true>, call, stream) : error;
}

template cudaError_t start(const ForwardCall<float>&, cudaStream_t);
template cudaError_t start(const ForwardCall<double>&, cudaStream_t);
template cudaError_t start(const BackwardCall<float>&, cudaStream_t);
template cudaError_t start(const BackwardCall<double>&, cudaStream_t);

}  // namespace covector::networks::ops::cuda
