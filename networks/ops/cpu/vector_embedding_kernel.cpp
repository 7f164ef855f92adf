#include "ops/cpu/vector_embedding_kernel.h"

namespace covector::networks::ops::cpu {
namespace {

constexpr double kOutsideLogit = -1000;
// A divisor that the compiler knows lets it keep a voxel's whole dot product in registers.
constexpr std::int64_t kUsualHeadDim = 8;

std::int64_t smaller(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}
std::int64_t larger(std::int64_t a, std::int64_t b) {
  return a < b ? b : a;
}

// e^x for x <= 0, branch-free so that loops over it become vector code. x = n log 2 + r with n
// whole and |r| <= log(2) / 2; e^r by its Taylor series, whose remainder is below half a unit in
// the last place; 2^n by writing the exponent. Arguments below the smallest normal result count as
// that one's: beside the largest weight of a neighbourhood, e^0, it vanishes.
float exponential(float x) {
  constexpr float kShift = 12582912.0F;  // 1.5 * 2^23: adding it rounds to a whole number
  const float clamped = x < -87.0F ? -87.0F : x;
  const float n = (clamped * 1.44269504F + kShift) - kShift;
  const float r = (clamped - n * 0.693359375F) - n * -2.12194440e-4F;
  float sum = 1.0F / 5040;
  sum = sum * r + 1.0F / 720;
  sum = sum * r + 1.0F / 120;
  sum = sum * r + 1.0F / 24;
  sum = sum * r + 1.0F / 6;
  sum = sum * r + 0.5F;
  sum = sum * r + 1.0F;
  sum = sum * r + 1.0F;
  const auto power = (static_cast<std::int32_t>(n) + 127) << 23;
  return sum * __builtin_bit_cast(float, power);
}

double exponential(double x) {
  constexpr double kShift = 6755399441055744.0;  // 1.5 * 2^52
  const double clamped = x < -708.0 ? -708.0 : x;
  const double shifted = clamped * 1.4426950408889634 + kShift;
  const double n = shifted - kShift;
  const double r = (clamped - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
  double sum = 1.0 / 6227020800;
  sum = sum * r + 1.0 / 479001600;
  sum = sum * r + 1.0 / 39916800;
  sum = sum * r + 1.0 / 3628800;
  sum = sum * r + 1.0 / 362880;
  sum = sum * r + 1.0 / 40320;
  sum = sum * r + 1.0 / 5040;
  sum = sum * r + 1.0 / 720;
  sum = sum * r + 1.0 / 120;
  sum = sum * r + 1.0 / 24;
  sum = sum * r + 1.0 / 6;
  sum = sum * r + 0.5;
  sum = sum * r + 1.0;
  sum = sum * r + 1.0;
  // The low bits of the shifted number hold n: no conversion to 64-bit integers is needed, which
  // only AVX-512 has as a vector instruction.
  const auto power =
      (__builtin_bit_cast(std::int64_t, shifted) - __builtin_bit_cast(std::int64_t, kShift) + 1023)
      << 52;
  return sum * __builtin_bit_cast(double, power);
}

template <class T>
T inverse_root(std::int64_t n) {
  return static_cast<T>(1 / __builtin_sqrt(static_cast<double>(n)));
}

// Up to kTile voxels of one row of one unit, by the offsets of their first one into the tensors.
struct Tile {
  Tile(const Grid& grid, std::int64_t row, std::int64_t first)
      : x(first), count(smaller(kTile, grid.width - first)) {
    y = row % grid.height;
    z = row / grid.height % grid.depth;
    const auto unit = row / (grid.height * grid.depth);
    voxels = grid.depth * grid.height * grid.width;
    channel_step = grid.groups * voxels;
    voxel = (z * grid.height + y) * grid.width + x;
    scalar = unit * voxels + voxel;
    vector = unit * grid.axes * voxels + voxel;
    feature =
        (unit / grid.groups * grid.groups * grid.head_dim + unit % grid.groups) * voxels + voxel;
  }
  std::int64_t x, y, z, count;
  std::int64_t voxels, channel_step;  // from axis to axis of a vector, from channel to channel
  std::int64_t voxel;
  std::int64_t scalar;   // into peak, largest, slope
  std::int64_t vector;   // into vectors and their gradient
  std::int64_t feature;  // into query, key and their gradients
};

// An offset from a tile, and which voxels of the tile have their neighbour there inside the grid.
struct Neighbour {
  std::int64_t z, y, x;
  std::int64_t first, last;  // last <= first: none
  std::int64_t step;         // to the neighbour in memory
};

// Calls visit(neighbour) for every offset in order.
template <class Visit>
void for_each_neighbour(const Grid& grid, const Tile& tile, Visit visit) {
  const auto r = grid.radius;
  const auto rz = grid.axes == 3 ? r : 0;
  for (std::int64_t z = -rz; z <= rz; ++z)
    for (std::int64_t y = -r; y <= r; ++y) {
      const bool inside =
          0 <= tile.z + z && tile.z + z < grid.depth && 0 <= tile.y + y && tile.y + y < grid.height;
      for (std::int64_t x = -r; x <= r; ++x)
        visit(Neighbour{z, y, x, inside ? larger(0, -tile.x - x) : 0,
                        inside ? smaller(tile.count, grid.width - tile.x - x) : 0,
                        (z * grid.height + y) * grid.width + x});
    }
}

template <std::int64_t kHeadDim, class T>
T dot(const T* a, const T* b, std::int64_t step, std::int64_t head_dim) {
  T sum = 0;
  const auto n = kHeadDim > 0 ? kHeadDim : head_dim;
  for (std::int64_t c = 0; c < n; ++c) sum += a[c * step] * b[c * step];
  return sum;
}

template <std::int64_t kHeadDim, class T>
void forward_tile(const ForwardCall<T>& call, const Tile& tile, T* __restrict logits) {
  const auto scale = inverse_root<T>(call.grid.head_dim);
  const T* query = call.query + tile.feature;
  const T* key = call.key + tile.feature;
  T peak[kTile];
  for (auto& p : peak) p = static_cast<T>(-__builtin_inf());
  auto* logit = logits;
  for_each_neighbour(call.grid, tile, [&](const Neighbour& to) {
    for (std::int64_t i = 0; i < tile.count; ++i) logit[i] = static_cast<T>(kOutsideLogit);
    for (std::int64_t i = to.first; i < to.last; ++i)
      logit[i] = scale *
                 dot<kHeadDim>(query + i, key + to.step + i, tile.channel_step, call.grid.head_dim);
    for (std::int64_t i = 0; i < tile.count; ++i) peak[i] = logit[i] > peak[i] ? logit[i] : peak[i];
    logit += kTile;
  });

  T total[kTile] = {};
  T sum[3][kTile] = {};
  logit = logits;
  for_each_neighbour(call.grid, tile, [&](const Neighbour& to) {
    const T z = static_cast<T>(to.z);
    const T y = static_cast<T>(to.y);
    const T x = static_cast<T>(to.x);
    for (std::int64_t i = 0; i < tile.count; ++i) {
      const T weight = exponential(logit[i] - peak[i]);
      total[i] += weight;
      sum[0][i] += weight * z;
      sum[1][i] += weight * y;
      sum[2][i] += weight * x;
    }
    logit += kTile;
  });

  for (std::int64_t i = 0; i < tile.count; ++i) {
    const T largest = 1 / total[i];
    call.peak[tile.scalar + i] = peak[i];
    call.largest[tile.scalar + i] = largest;
    for (std::int64_t axis = 0; axis < call.grid.axes; ++axis)
      call.vectors[tile.vector + axis * tile.voxels + i] =
          sum[3 - call.grid.axes + axis][i] * largest;
  }
}

// The gradient of the query gathers over the keys around it; that of the key over the queries
// around it, each of which sees the key at the opposite offset. Gathering recomputes the weights
// a second time, but no two threads write to one place and the order of the sums is fixed.
template <std::int64_t kHeadDim, bool kOfKey, class T>
void backward_tile(const BackwardCall<T>& call, const Tile& tile, T* __restrict scratch) {
  const auto head_dim = call.grid.head_dim;
  const auto scale = inverse_root<T>(head_dim);
  const T* own = (kOfKey ? call.key : call.query) + tile.feature;
  const T* other = (kOfKey ? call.query : call.key) + tile.feature;
  T* const step = scratch;
  T* const sums = scratch + kTile;
  for (std::int64_t i = 0; i < head_dim * kTile; ++i) sums[i] = 0;

  for_each_neighbour(call.grid, tile, [&](const Neighbour& to) {
    // Where the query of this pair lies, and the offset at which it sees the key.
    const auto at = kOfKey ? to.step : 0;
    const T sign = kOfKey ? -1 : 1;
    const T z = sign * static_cast<T>(to.z);
    const T y = sign * static_cast<T>(to.y);
    const T x = sign * static_cast<T>(to.x);
    const T* peak = call.peak + tile.scalar + at;
    const T* largest = call.largest + tile.scalar + at;
    const T* slope = call.slope + tile.scalar + at;
    const T* grad_x = call.grad + tile.vector + at + (call.grid.axes - 1) * tile.voxels;
    const T* grad_y = grad_x - tile.voxels;
    const T* grad_z = call.grid.axes == 3 ? grad_y - tile.voxels : grad_y;  // in 2D times z = 0
    for (std::int64_t i = to.first; i < to.last; ++i) {
      const T logit =
          scale * dot<kHeadDim>(own + i, other + to.step + i, tile.channel_step, head_dim);
      const T weight = exponential(logit - peak[i]) * largest[i];
      step[i] = scale * weight * (grad_z[i] * z + grad_y[i] * y + grad_x[i] * x - slope[i]);
    }
    for (std::int64_t c = 0; c < head_dim; ++c) {
      const T* values = other + to.step + c * tile.channel_step;
      T* sum = sums + c * kTile;
      for (std::int64_t i = to.first; i < to.last; ++i) sum[i] += step[i] * values[i];
    }
  });

  T* out = (kOfKey ? call.grad_key : call.grad_query) + tile.feature;
  for (std::int64_t c = 0; c < head_dim; ++c)
    for (std::int64_t i = 0; i < tile.count; ++i)
      out[c * tile.channel_step + i] = sums[c * kTile + i];
}

template <std::int64_t kHeadDim, class T>
void forward_rows(const ForwardCall<T>& call, std::int64_t begin, std::int64_t end, T* scratch) {
  for (auto row = begin; row < end; ++row)
    for (std::int64_t x = 0; x < call.grid.width; x += kTile)
      forward_tile<kHeadDim>(call, Tile(call.grid, row, x), scratch);
}

template <std::int64_t kHeadDim, class T>
void backward_rows(const BackwardCall<T>& call, std::int64_t begin, std::int64_t end, T* scratch) {
  for (auto row = begin; row < end; ++row)
    for (std::int64_t x = 0; x < call.grid.width; x += kTile) {
      const Tile tile(call.grid, row, x);
      backward_tile<kHeadDim, false>(call, tile, scratch);
      backward_tile<kHeadDim, true>(call, tile, scratch);
    }
}

template <class T>
void forward(const ForwardCall<T>& call, std::int64_t begin, std::int64_t end, T* scratch) {
  if (call.grid.head_dim == kUsualHeadDim)
    forward_rows<kUsualHeadDim>(call, begin, end, scratch);
  else
    forward_rows<0>(call, begin, end, scratch);
}

template <class T>
void backward(const BackwardCall<T>& call, std::int64_t begin, std::int64_t end, T* scratch) {
  if (call.grid.head_dim == kUsualHeadDim)
    backward_rows<kUsualHeadDim>(call, begin, end, scratch);
  else
    backward_rows<0>(call, begin, end, scratch);
}

}  // namespace

extern const VectorEmbeddingKernel COVECTOR_KERNEL = {{&forward<float>, &backward<float>},
                                                      {&forward<double>, &backward<double>}};

}  // namespace covector::networks::ops::cpu
