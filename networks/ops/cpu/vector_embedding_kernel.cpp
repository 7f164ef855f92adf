#include "ops/cpu/vector_embedding_kernel.h"

#include "kernels/simd.h"

namespace covector::networks::ops::cpu {

using namespace kernels;

namespace {

constexpr double kOutsideLogit = -1000;
// A number of channels that the compiler knows lets it keep a dot product in registers.
constexpr std::int64_t kUsualHeadDim = 8;

std::int64_t larger(std::int64_t a, std::int64_t b) {
  return a < b ? b : a;
}

// What it takes to write 2^n into the exponents of a register of numbers.
template <class T>
struct Simd;
template <>
struct Simd<float> {
  static constexpr float kShift = 12582912.0F;  // 1.5 * 2^23: adding it rounds to a whole number
  static constexpr float kLowest = -87.0F;
  static constexpr float kLog2High = 0.693359375F;  // few digits, so that n times it is exact
  static constexpr float kLog2Low = -2.12194440e-4F;
  static constexpr std::int32_t kBias = 127;
  static constexpr std::int32_t kMantissa = 23;
  static constexpr int kTerms = 8;
};
template <>
struct Simd<double> {
  static constexpr double kShift = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double kLowest = -708.0;
  static constexpr double kLog2High = 0.693147180369123816490;
  static constexpr double kLog2Low = 1.90821492927058770002e-10;
  static constexpr std::int64_t kBias = 1023;
  static constexpr std::int64_t kMantissa = 52;
  static constexpr int kTerms = 14;
};

template <class T>
constexpr T factorial(int n) {
  return n < 2 ? T(1) : static_cast<T>(n) * factorial<T>(n - 1);
}

// e^x for x <= 0; above 0 as at 0. x = n log 2 + r with n whole and |r| <= log(2) / 2; e^r by its
// Taylor series, whose remainder is below half a unit in the last place; 2^n by its bits. Below
// the smallest normal result x counts as that one's: beside the largest weight of a neighbourhood,
// e^0, it vanishes.
template <class T>
__attribute__((always_inline)) inline Vector<T> exponential(Vector<T> x) {
  using S = Simd<T>;
  x = x < S::kLowest ? all<T>(S::kLowest) : x;
  x = x > T(0) ? all<T>(0) : x;
  const Vector<T> shifted = x * T(1.4426950408889634) + S::kShift;
  const Vector<T> n = shifted - S::kShift;
  const Vector<T> r = (x - n * S::kLog2High) - n * S::kLog2Low;
  Vector<T> sum = all<T>(1 / factorial<T>(S::kTerms - 1));
#pragma GCC unroll 16
  for (int term = S::kTerms - 2; term >= 0; --term) sum = sum * r + 1 / factorial<T>(term);
  // The low bits of the shifted number hold n.
  typename Register<T>::Bits bits;
  __builtin_memcpy(&bits, &shifted, sizeof(bits));
  typename Register<T>::Bits zero;
  const auto shift = all<T>(S::kShift);
  __builtin_memcpy(&zero, &shift, sizeof(zero));
  bits = (bits - zero + S::kBias) << S::kMantissa;
  Vector<T> power;
  __builtin_memcpy(&power, &bits, sizeof(power));
  return sum * power;
}

template <class T>
T inverse_root(std::int64_t n) {
  return static_cast<T>(1 / __builtin_sqrt(static_cast<double>(n)));
}

// Up to kTile voxels of one row of one unit, and where they begin in the tensors.
struct Tile {
  Tile(const Grid& grid, std::int64_t row, std::int64_t first)
      : x(first), count(smaller(kTile, grid.width - first)) {
    y = row % grid.height;
    z = row / grid.height % grid.depth;
    const auto unit = row / (grid.height * grid.depth);
    voxels = grid.depth * grid.height * grid.width;
    channel_step = grid.groups * voxels;
    const auto start = (z * grid.height + y) * grid.width;
    scalar = unit * voxels + start;
    vector = unit * grid.axes * voxels + start;
    feature =
        (unit / grid.groups * grid.groups * grid.head_dim + unit % grid.groups) * voxels + start;
  }
  std::int64_t x, y, z, count;
  std::int64_t voxels, channel_step;  // from axis to axis of a vector, from channel to channel
  // Starts of the row:
  std::int64_t scalar;   // in peak, largest, slope
  std::int64_t vector;   // in vectors and their gradient
  std::int64_t feature;  // in query, key and their gradients
};

// Calls visit(z, y, step) for every row of the neighbourhood that lies in the grid, `step` voxels
// away in memory, and skip(z, y) for the others, in order.
template <class Visit, class Skip>
void for_each_row(const Grid& grid, const Tile& tile, Visit visit, Skip skip) {
  const auto rz = grid.axes == 3 ? grid.radius : 0;
  for (std::int64_t z = -rz; z <= rz; ++z)
    for (std::int64_t y = -grid.radius; y <= grid.radius; ++y) {
      const bool inside =
          0 <= tile.z + z && tile.z + z < grid.depth && 0 <= tile.y + y && tile.y + y < grid.height;
      if (inside)
        visit(z, y, (z * grid.height + y) * grid.width);
      else
        skip(z, y);
    }
}

// Copies row[first .. first + length - 1], zero where that leaves the row. Rows that take part in
// many products are copied side by side: in the tensors they often lie a power of two apart, so
// that they would push each other out of the cache.
template <class T>
void copy_row(T* __restrict to, const T* __restrict row, std::int64_t first, std::int64_t length,
              std::int64_t width) {
  const auto begin = smaller(larger(-first, 0), length);
  const auto end = larger(smaller(width - first, length), begin);
  for (std::int64_t i = 0; i < begin; ++i) to[i] = 0;
  for (std::int64_t i = begin; i < end; ++i) to[i] = row[first + i];
  for (std::int64_t i = end; i < length; ++i) to[i] = 0;
}

template <std::int64_t kHeadDim, class T>
Vector<T> dot(const T* a, std::int64_t step_a, const T* b, std::int64_t step_b,
              std::int64_t head_dim) {
  Vector<T> sum{};
  const auto n = kHeadDim > 0 ? kHeadDim : head_dim;
#pragma GCC unroll 8
  for (std::int64_t c = 0; c < n; ++c) sum += load(a + c * step_a) * load(b + c * step_b);
  return sum;
}

template <std::int64_t kHeadDim, class T>
void forward_tile(const ForwardCall<T>& call, const Tile& tile, T* __restrict scratch) {
  const auto& grid = call.grid;
  const auto r = grid.radius;
  const auto span = kTile + 2 * r;
  const auto scale = inverse_root<T>(grid.head_dim);
  T* const query = scratch;                       // [head_dim, kTile]
  T* const key = query + grid.head_dim * kTile;   // [head_dim, span]
  T* const outside = key + grid.head_dim * span;  // [span]: what a neighbour's logit gains
  T* const logits = outside + span;               // [neighbours, kTile]
  for (std::int64_t i = 0; i < span; ++i) {
    const auto x = tile.x - r + i;
    outside[i] = static_cast<T>(0 <= x && x < grid.width ? 0 : kOutsideLogit);
  }
  for (std::int64_t c = 0; c < grid.head_dim; ++c)
    copy_row(query + c * kTile, call.query + tile.feature + c * tile.channel_step, tile.x, kTile,
             grid.width);

  T peak[kTile];
  for (auto& p : peak) p = static_cast<T>(-__builtin_inf());
  const auto raise = [&](std::int64_t i, Vector<T> logit) {
    const auto before = load(peak + i);
    store(peak + i, logit > before ? logit : before);
  };
  T* logit = logits;
  for_each_row(
      grid, tile,
      [&](std::int64_t, std::int64_t, std::int64_t step) {
        for (std::int64_t c = 0; c < grid.head_dim; ++c)
          copy_row(key + c * span, call.key + tile.feature + step + c * tile.channel_step,
                   tile.x - r, span, grid.width);
        for (std::int64_t x = 0; x <= 2 * r; ++x, logit += kTile)
          for (std::int64_t i = 0; i < tile.count; i += kLanes<T>) {
            const auto value =
                scale * dot<kHeadDim>(query + i, kTile, key + x + i, span, grid.head_dim) +
                load(outside + x + i);
            store(logit + i, value);
            raise(i, value);
          }
      },
      [&](std::int64_t, std::int64_t) {
        for (std::int64_t x = 0; x <= 2 * r; ++x, logit += kTile)
          for (std::int64_t i = 0; i < tile.count; i += kLanes<T>) {
            store(logit + i, all(static_cast<T>(kOutsideLogit)));
            raise(i, all(static_cast<T>(kOutsideLogit)));
          }
      });

  const auto rz = grid.axes == 3 ? r : 0;
  for (std::int64_t i = 0; i < tile.count; i += kLanes<T>) {
    Vector<T> total{};
    Vector<T> sum[3] = {};
    logit = logits + i;
    for (std::int64_t z = -rz; z <= rz; ++z)
      for (std::int64_t y = -r; y <= r; ++y)
        for (std::int64_t x = -r; x <= r; ++x, logit += kTile) {
          const auto weight = exponential<T>(load(logit) - load(peak + i));
          total += weight;
          sum[0] += weight * static_cast<T>(z);
          sum[1] += weight * static_cast<T>(y);
          sum[2] += weight * static_cast<T>(x);
        }
    const Vector<T> largest = T(1) / total;
    const auto place = tile.x + i;
    for (std::int64_t lane = 0; lane < smaller(kLanes<T>, tile.count - i); ++lane) {
      call.peak[tile.scalar + place + lane] = peak[i + lane];
      call.largest[tile.scalar + place + lane] = largest[lane];
      for (std::int64_t axis = 0; axis < grid.axes; ++axis)
        call.vectors[tile.vector + axis * tile.voxels + place + lane] =
            sum[3 - grid.axes + axis][lane] * largest[lane];
    }
  }
}

// The gradient of the query gathers over the keys around it; that of the key over the queries
// around it, each of which sees the key at the opposite offset. Gathering recomputes the weights
// a second time, but no two threads write to one place and the order of the sums is fixed.
// Neighbours outside the grid are zeros: as keys they add nothing to the sum, as queries their
// largest weight is zero.
template <std::int64_t kHeadDim, bool kOfKey, class T>
void backward_tile(const BackwardCall<T>& call, const Tile& tile, T* __restrict scratch) {
  const auto& grid = call.grid;
  const auto r = grid.radius;
  const auto span = kTile + 2 * r;
  const auto head_dim = grid.head_dim;
  const auto scale = inverse_root<T>(head_dim);
  T* const own = scratch;                         // [head_dim, kTile]
  T* const sums = own + head_dim * kTile;         // [head_dim, kTile]
  T* const other = sums + head_dim * kTile;       // [head_dim, span]
  T* const query_side = other + head_dim * span;  // [kSides, span]: peak, largest, slope, grad
  const auto own_tensor = kOfKey ? call.key : call.query;
  const auto other_tensor = kOfKey ? call.query : call.key;
  for (std::int64_t c = 0; c < head_dim; ++c)
    copy_row(own + c * kTile, own_tensor + tile.feature + c * tile.channel_step, tile.x, kTile,
             grid.width);
  for (std::int64_t i = 0; i < head_dim * kTile; ++i) sums[i] = 0;

  const auto copy_query_side = [&](std::int64_t step) {
    const T* const rows[] = {call.peak + tile.scalar,
                             call.largest + tile.scalar,
                             call.slope + tile.scalar,
                             call.grad + tile.vector + (grid.axes - 1) * tile.voxels,
                             call.grad + tile.vector + (grid.axes - 2) * tile.voxels,
                             call.grad + tile.vector};  // z; in 2D y again, times an offset of 0
    for (std::int64_t k = 0; k < kQuerySides; ++k)
      copy_row(query_side + k * span, rows[k] + step, tile.x - r, span, grid.width);
  };
  if (!kOfKey) copy_query_side(0);

  const auto visit = [&](std::int64_t row_z, std::int64_t row_y, std::int64_t step) {
    for (std::int64_t c = 0; c < head_dim; ++c)
      copy_row(other + c * span, other_tensor + tile.feature + step + c * tile.channel_step,
               tile.x - r, span, grid.width);
    if (kOfKey) copy_query_side(step);
    const T sign = kOfKey ? -1 : 1;
    const T z = sign * static_cast<T>(row_z);
    const T y = sign * static_cast<T>(row_y);
    for (std::int64_t column = 0; column <= 2 * r; ++column) {
      const T x = sign * static_cast<T>(column - r);
      const T* const at = query_side + (kOfKey ? column : r);
      for (std::int64_t i = 0; i < tile.count; i += kLanes<T>) {
        const Vector<T> logit =
            scale * dot<kHeadDim>(own + i, kTile, other + column + i, span, head_dim);
        const Vector<T> weight = exponential<T>(logit - load(at + i)) * load(at + span + i);
        const Vector<T> along = load(at + 5 * span + i) * z + load(at + 4 * span + i) * y +
                                load(at + 3 * span + i) * x - load(at + 2 * span + i);
        const Vector<T> change = scale * weight * along;
        const auto n = kHeadDim > 0 ? kHeadDim : head_dim;
#pragma GCC unroll 8
        for (std::int64_t c = 0; c < n; ++c)
          store<T>(sums + c * kTile + i,
                   load(sums + c * kTile + i) + change * load(other + c * span + column + i));
      }
    }
  };
  for_each_row(grid, tile, visit, [](std::int64_t, std::int64_t) {});

  T* out = (kOfKey ? call.grad_key : call.grad_query) + tile.feature + tile.x;
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

extern const VectorEmbeddingKernel COVECTOR_VECTOR_EMBEDDING_KERNEL = {
    {&forward<float>, &backward<float>}, {&forward<double>, &backward<double>}};

}  // namespace covector::networks::ops::cpu
