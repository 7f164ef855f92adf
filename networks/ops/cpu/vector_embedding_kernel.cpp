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

// Copies row[first .. first + length - 1], zero where that leaves the row; `to` has room for a
// register more. Rows that take part in many products are copied side by side: in the tensors they
// often lie a power of two apart, so that they would push each other out of the cache.
template <class T>
void copy_row(T* __restrict to, const T* __restrict row, std::int64_t first, std::int64_t length,
              std::int64_t width) {
  const auto begin = smaller(larger(-first, 0), length);
  const auto end = larger(smaller(width - first, length), begin);
  if (begin > 0 || end < length)
    for (std::int64_t i = 0; i < length; i += kLanes<T>) store(to + i, Vector<T>{});
  auto i = begin;
  for (; i + kLanes<T> <= end; i += kLanes<T>) store(to + i, load(row + first + i));
  for (; i < end; ++i) to[i] = row[first + i];
}

// The channels of a register of voxels, kept in registers where the compiler knows their number.
template <std::int64_t kHeadDim, class T>
struct Channels {
  const T* from;
  std::int64_t step;
  Vector<T> kept[kHeadDim > 0 ? kHeadDim : 1];
  __attribute__((always_inline)) Channels(const T* at, std::int64_t between)
      : from(at), step(between) {
#pragma GCC unroll 8
    for (std::int64_t c = 0; c < kHeadDim; ++c) kept[c] = load(from + c * step);
  }
  __attribute__((always_inline)) Vector<T> dot(const T* b, std::int64_t step_b,
                                               std::int64_t head_dim) const {
    Vector<T> sum{};
    if constexpr (kHeadDim > 0) {
#pragma GCC unroll 8
      for (std::int64_t c = 0; c < kHeadDim; ++c) sum += kept[c] * load(b + c * step_b);
    } else {
      for (std::int64_t c = 0; c < head_dim; ++c)
        sum += load(from + c * step) * load(b + c * step_b);
    }
    return sum;
  }
};

template <class T>
std::int64_t whole_registers(std::int64_t count) {
  return (count + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
}

template <std::int64_t kHeadDim, class T>
void forward_tile(const ForwardCall<T>& call, const Tile& tile, T* __restrict scratch) {
  const auto& grid = call.grid;
  const auto r = grid.radius;
  const auto span = row_span(grid);
  const auto scale = inverse_root<T>(grid.head_dim);
  const auto count = whole_registers<T>(tile.count);
  T* const query = scratch;                       // [head_dim, span]
  T* const key = query + grid.head_dim * span;    // [head_dim, span]
  T* const outside = key + grid.head_dim * span;  // [span]: what a neighbour's logit gains
  T* const logits = outside + span;               // [neighbours, kTile]
  for (std::int64_t i = 0; i < count + 2 * r; ++i) {
    const auto x = tile.x - r + i;
    outside[i] = static_cast<T>(0 <= x && x < grid.width ? 0 : kOutsideLogit);
  }
  for (std::int64_t c = 0; c < grid.head_dim; ++c)
    copy_row(query + c * span, call.query + tile.feature + c * tile.channel_step, tile.x, count,
             grid.width);

  T peak[kTile];
  for (auto& p : peak) p = static_cast<T>(-__builtin_inf());
  T* row = logits;
  const auto columns = 2 * r + 1;
  for_each_row(
      grid, tile,
      [&](std::int64_t, std::int64_t, std::int64_t step) {
        for (std::int64_t c = 0; c < grid.head_dim; ++c)
          copy_row(key + c * span, call.key + tile.feature + step + c * tile.channel_step,
                   tile.x - r, count + 2 * r, grid.width);
        for (std::int64_t i = 0; i < count; i += kLanes<T>) {
          const Channels<kHeadDim, T> own(query + i, span);
          auto highest = load(peak + i);
          for (std::int64_t x = 0; x < columns; ++x) {
            const Vector<T> logit =
                scale * own.dot(key + x + i, span, grid.head_dim) + load(outside + x + i);
            store(row + x * kTile + i, logit);
            highest = logit > highest ? logit : highest;
          }
          store(peak + i, highest);
        }
        row += columns * kTile;
      },
      [&](std::int64_t, std::int64_t) {
        const auto logit = all(static_cast<T>(kOutsideLogit));
        for (std::int64_t i = 0; i < count; i += kLanes<T>) {
          for (std::int64_t x = 0; x < columns; ++x) store(row + x * kTile + i, logit);
          const auto before = load(peak + i);
          store(peak + i, logit > before ? logit : before);
        }
        row += columns * kTile;
      });

  const auto rz = grid.axes == 3 ? r : 0;
  for (std::int64_t i = 0; i < count; i += kLanes<T>) {
    const auto highest = load(peak + i);
    Vector<T> total{};
    Vector<T> sum[3] = {};
    const T* logit = logits + i;
    for (std::int64_t z = -rz; z <= rz; ++z)
      for (std::int64_t y = -r; y <= r; ++y) {
        Vector<T> of_row{};
        for (std::int64_t x = -r; x <= r; ++x, logit += kTile) {
          const auto weight = exponential<T>(load(logit) - highest);
          of_row += weight;
          sum[2] += weight * static_cast<T>(x);
        }
        total += of_row;
        sum[0] += of_row * static_cast<T>(z);
        sum[1] += of_row * static_cast<T>(y);
      }
    const Vector<T> largest = T(1) / total;
    const auto place = tile.x + i;
    const auto finish = [&](auto lanes) {
      write(call.peak + tile.scalar + place, highest, lanes);
      write(call.largest + tile.scalar + place, largest, lanes);
      for (std::int64_t axis = 0; axis < grid.axes; ++axis)
        write(call.vectors + tile.vector + axis * tile.voxels + place,
              sum[3 - grid.axes + axis] * largest, lanes);
    };
    if (tile.count - i >= kLanes<T>)
      finish(Whole{});
    else
      finish(Part{tile.count - i});
  }
}

// The products that a row of queries and a row of keys exchange: sums[c][i] gains, of every column,
// change[column * change_step + i] * other[c][column * move + i]. kBlock channels at a time.
template <std::int64_t kBlock, class T>
void add_products(T* sums, std::int64_t sums_step, const T* change, std::int64_t change_step,
                  const T* other, std::int64_t other_step, std::int64_t move, std::int64_t columns,
                  std::int64_t count, std::int64_t head_dim) {
  for (std::int64_t first = 0; first < head_dim; first += kBlock) {
    T* const to = sums + first * sums_step;
    const T* const from = other + first * other_step;
    for_each_register<T>(count, [&](std::int64_t i, auto lanes) {
      Vector<T> sum[kBlock];
#pragma GCC unroll 8
      for (std::int64_t c = 0; c < kBlock; ++c) sum[c] = read(to + c * sums_step + i, lanes);
      for (std::int64_t column = 0; column < columns; ++column) {
        const auto factor = load(change + column * change_step + i);
#pragma GCC unroll 8
        for (std::int64_t c = 0; c < kBlock; ++c)
          sum[c] += factor * load(from + c * other_step + column * move + i);
      }
#pragma GCC unroll 8
      for (std::int64_t c = 0; c < kBlock; ++c) write(to + c * sums_step + i, sum[c], lanes);
    });
  }
}

// A tile of queries beside every row of keys around it. Each weight is found once, and what it
// changes goes to the query and to the key, as far as they lie in the rows begin .. end - 1. A
// query whose row lies outside them is visited for their keys alone: so no two threads write to one
// place, and every key sums over its queries in one order, wherever the rows are divided.
template <std::int64_t kHeadDim, class T>
void backward_tile(const BackwardCall<T>& call, std::int64_t row, std::int64_t first,
                   std::int64_t begin, std::int64_t end, T* __restrict scratch) {
  constexpr auto kBlock = kHeadDim > 0 ? kHeadDim : 1;
  const Tile tile(call.grid, row, first);
  const auto& grid = call.grid;
  const auto r = grid.radius;
  const auto span = row_span(grid);
  const auto head_dim = grid.head_dim;
  const auto columns = 2 * r + 1;
  const auto count = whole_registers<T>(tile.count);
  const auto scale = inverse_root<T>(head_dim);
  T* const query = scratch;                     // [head_dim, span], from 2r voxels before the tile
  T* const sums = query + head_dim * span;      // [head_dim, span]
  T* const key = sums + head_dim * span;        // [head_dim, span], from r voxels before the tile
  T* const side = key + head_dim * span;        // [kQuerySides, span]
  T* const change = side + kQuerySides * span;  // [columns, span], from 2r voxels before the tile
  for (std::int64_t c = 0; c < head_dim; ++c)
    copy_row(query + c * span, call.query + tile.feature + c * tile.channel_step, tile.x - 2 * r,
             count + 4 * r, grid.width);
  const T* const rows[] = {call.peak + tile.scalar,
                           call.largest + tile.scalar,
                           call.slope + tile.scalar,
                           call.grad + tile.vector + (grid.axes - 1) * tile.voxels,
                           call.grad + tile.vector + (grid.axes - 2) * tile.voxels,
                           call.grad + tile.vector};  // z; in 2D y again, times an offset of 0
  for (std::int64_t k = 0; k < kQuerySides; ++k)
    copy_row(side + k * span, rows[k], tile.x, count, grid.width);
  for (std::int64_t i = 0; i < head_dim * span; ++i) sums[i] = 0;
  for (std::int64_t i = 0; i < columns * span; ++i) change[i] = 0;

  // The keys of a row that the tile sees, counted from r voxels before it.
  const auto key_begin = larger(0, r - tile.x);
  const auto key_end = smaller(tile.count + 2 * r, grid.width - tile.x + r);
  const bool own_query = begin <= row && row < end;
  const auto visit = [&](std::int64_t z, std::int64_t y, std::int64_t step) {
    const auto key_row = row + z * grid.height + y;
    const bool own_key = begin <= key_row && key_row < end;
    if (!own_query && !own_key) return;
    for (std::int64_t c = 0; c < head_dim; ++c)
      copy_row(key + c * span, call.key + tile.feature + step + c * tile.channel_step, tile.x - r,
               count + 2 * r, grid.width);
    for (std::int64_t i = 0; i < count; i += kLanes<T>) {
      const Channels<kHeadDim, T> own(query + 2 * r + i, span);
      const auto peak = load(side + i);
      const Vector<T> largest = scale * load(side + span + i);
      const Vector<T> along = load(side + 5 * span + i) * static_cast<T>(z) +
                              load(side + 4 * span + i) * static_cast<T>(y) -
                              load(side + 2 * span + i);
      const auto along_x = load(side + 3 * span + i);
      for (std::int64_t column = 0; column < columns; ++column) {
        const Vector<T> logit = scale * own.dot(key + column + i, span, head_dim);
        const Vector<T> weight = exponential<T>(logit - peak) * largest;
        store<T>(change + column * span + 2 * r + i,
                 weight * (along + along_x * static_cast<T>(column - r)));
      }
    }
    if (own_query)
      add_products<kBlock>(sums, span, change + 2 * r, span, key, span, 1, columns, count,
                           head_dim);
    if (own_key)
      add_products<kBlock>(call.grad_key + tile.feature + step + tile.x - r + key_begin,
                           tile.channel_step, change + 2 * r + key_begin, span - 1,
                           query + 2 * r + key_begin, span, -1, columns, key_end - key_begin,
                           head_dim);
  };
  for_each_row(grid, tile, visit, [](std::int64_t, std::int64_t) {});

  if (!own_query) return;
  T* out = call.grad_query + tile.feature + tile.x;
  for (std::int64_t c = 0; c < head_dim; ++c)
    for (std::int64_t i = 0; i < tile.count; ++i)
      out[c * tile.channel_step + i] = sums[c * span + i];
}

template <std::int64_t kHeadDim, class T>
void forward_rows(const ForwardCall<T>& call, std::int64_t begin, std::int64_t end, T* scratch) {
  for (auto row = begin; row < end; ++row)
    for (std::int64_t x = 0; x < call.grid.width; x += kTile)
      forward_tile<kHeadDim>(call, Tile(call.grid, row, x), scratch);
}

template <std::int64_t kHeadDim, class T>
void backward_rows(const BackwardCall<T>& call, std::int64_t begin, std::int64_t end, T* scratch) {
  const auto& grid = call.grid;
  for (auto row = begin; row < end; ++row) {
    const Tile tile(grid, row, 0);
    for (std::int64_t c = 0; c < grid.head_dim; ++c)
      for (std::int64_t x = 0; x < grid.width; ++x)
        call.grad_key[tile.feature + c * tile.channel_step + x] = 0;
  }
  // As far as a query sees, in rows.
  const auto reach = grid.radius * (grid.axes == 3 ? grid.height + 1 : 1);
  const auto last = smaller(grid.batch * grid.groups * grid.depth * grid.height, end + reach);
  for (auto row = larger(0, begin - reach); row < last; ++row)
    for (std::int64_t x = 0; x < grid.width; x += kTile)
      backward_tile<kHeadDim>(call, row, x, begin, end, scratch);
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
