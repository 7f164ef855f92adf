#include "ops/cpu/warp_kernel.h"

#include "kernels/simd.h"

namespace covector::ops::cpu {

using namespace kernels;

namespace {

std::int64_t volume(const std::int64_t (&sides)[3]) {
  return sides[0] * sides[1] * sides[2];
}

inline float wide(float x) {
  return x;
}
inline double wide(double x) {
  return x;
}
inline float wide(BFloat16 x) {
  const auto bits = static_cast<std::uint32_t>(x.bits) << 16;
  float number;
  __builtin_memcpy(&number, &bits, sizeof(number));
  return number;
}

// Adding it rounds to a whole number, ties to even.
template <class T>
constexpr T kShift = 0;
template <>
constexpr float kShift<float> = 12582912.0F;  // 1.5 * 2^23
template <>
constexpr double kShift<double> = 6755399441055744.0;  // 1.5 * 2^52

// Positions of a tile along one axis: the two voxels beside each, what they weigh, and how that
// changes with the position. A voxel outside weighs nothing and is represented by the first.
template <class T>
struct Beside {
  std::int32_t voxel[2][kTile];
  T weight[2][kTile];
  T slope[2][kTile];
};

// One tile of one sample.
struct Piece {
  Piece(const Space& space, std::int64_t index) {
    all = volume(space.out);
    const auto tiles = (all + kTile - 1) / kTile;
    sample = index / tiles;
    first = index % tiles * kTile;
    count = smaller(kTile, all - first);
  }
  std::int64_t all;  // positions of a sample
  std::int64_t sample, first, count;
};

// Adds to each position of a tile the index of its own voxel along an axis.
template <class T>
void add_own(const Space& space, const Piece& piece, int axis, T* to) {
  const auto width = space.out[2];
  for (std::int64_t i = 0; i < piece.count;) {
    const auto row = (piece.first + i) / width;
    const auto x = (piece.first + i) % width;
    const auto length = smaller(piece.count - i, width - x);
    if (axis == 2)
      for (std::int64_t j = 0; j < length; ++j)
        to[i + j] += static_cast<T>(static_cast<std::int32_t>(x + j));
    else {
      const auto own = static_cast<T>(axis == 1 ? row % space.out[1] : row / space.out[1]);
      for (std::int64_t j = 0; j < length; ++j) to[i + j] += own;
    }
    i += length;
  }
}

template <class T, bool kNearest>
void look(const Space& space, const Piece& piece, const T* positions, int axis, Beside<T>& beside) {
  T place[kTile];
  const T* const from =
      positions + (piece.sample * space.axes + axis - (3 - space.axes)) * piece.all + piece.first;
  for (std::int64_t i = 0; i < piece.count; ++i) place[i] = from[i];
  if (space.displaced) add_own(space, piece, axis, place);
  const auto size = static_cast<T>(space.in[axis]);
  const bool stretched = space.released && space.in[axis] > 1;
  if (stretched)
    for (std::int64_t i = 0; i < piece.count; ++i)
      place[i] = place[i] * size / (size - 1) - static_cast<T>(0.5);
  const T rate = stretched ? size / (size - 1) : 1;
  for (std::int64_t i = 0; i < piece.count; ++i) {
    // Whole numbers of any size would not fit; what is not a number weighs neither this nor that.
    const T p = place[i];
    const T nothing = p == p ? 0 : p;
    const bool near = p >= -1 && p <= size;
    const T q = near ? p : -1;
    if constexpr (kNearest) {
      const T rounded = (q + kShift<T>)-kShift<T>;
      const bool inside = rounded >= 0 && rounded < size;
      beside.voxel[0][i] = inside ? static_cast<std::int32_t>(rounded) : 0;
      beside.weight[0][i] = inside ? 1 : nothing;
    } else {
      const auto cut = static_cast<std::int32_t>(q);
      const auto low = cut - (q < static_cast<T>(cut));
      const T above = q - static_cast<T>(low);
      const bool low_inside = low >= 0 && static_cast<T>(low) < size;
      const bool high_inside = static_cast<T>(low + 1) < size && near;
      beside.voxel[0][i] = low_inside ? low : 0;
      beside.voxel[1][i] = high_inside ? low + 1 : 0;
      beside.weight[0][i] = low_inside ? 1 - above : nothing;
      beside.weight[1][i] = high_inside ? above : nothing;
      beside.slope[0][i] = low_inside ? -rate : nothing;
      beside.slope[1][i] = high_inside ? rate : nothing;
    }
  }
}

// The voxels around each position of a tile. Bit k of a corner's number tells the side on the
// k-th axis.
template <class T, int kAxes, bool kNearest>
struct Tile {
  static constexpr int kCorners = kNearest ? 1 : 1 << kAxes;

  void find(const Space& space, const Piece& piece, const T* positions) {
    for (int k = 0; k < kAxes; ++k)
      look<T, kNearest>(space, piece, positions, 3 - kAxes + k, beside[k]);
    for (int corner = 0; corner < kCorners; ++corner)
      for (std::int64_t i = 0; i < piece.count; ++i) {
        auto at = static_cast<std::int32_t>(0);
        T product = 1;
        for (int k = 0; k < kAxes; ++k) {
          const auto& axis = beside[k];
          const auto side = corner >> k & 1;
          at = at * static_cast<std::int32_t>(space.in[3 - kAxes + k]) + axis.voxel[side][i];
          product *= axis.weight[side][i];
        }
        voxel[corner][i] = at;
        weight[corner][i] = product;
      }
  }
  // How the weight of a corner changes with position i along axis k.
  T slope(int corner, int k, std::int64_t i) const {
    T product = beside[k].slope[corner >> k & 1][i];
    for (int other = 0; other < kAxes; ++other)
      if (other != k) product *= beside[other].weight[corner >> other & 1][i];
    return product;
  }

  Beside<T> beside[kAxes];
  std::int32_t voxel[kCorners][kTile];
  T weight[kCorners][kTile];
};

template <class S>
void write_row(const Wide<S>* from, std::int64_t count, S* to) {
  using T = Wide<S>;
  for_each_register<T>(count,
                       [&](std::int64_t i, auto lanes) { write(to + i, load(from + i), lanes); });
}

// Corners that weigh nothing are not added, so that what is not finite stays in its place.
template <class S, class AnyTile>
void warp_plane(const AnyTile& tile, const S* plane, std::int64_t count, S* out) {
  using T = Wide<S>;
  T sums[kTile + kMostLanes];
  for (std::int64_t i = 0; i < count; ++i) {
    T sum = 0;
#pragma GCC unroll 8
    for (int corner = 0; corner < AnyTile::kCorners; ++corner) {
      const T weight = tile.weight[corner][i];
      const T value = wide(plane[tile.voxel[corner][i]]);
      sum += weight == 0 ? T(0) : weight * value;
    }
    sums[i] = sum;
  }
  write_row(sums, count, out);
}

// The corners of a position that weigh something.
template <class S, class AnyTile>
struct Corners {
  Corners(const AnyTile& tile, std::int64_t i) {
    for (int corner = 0; corner < AnyTile::kCorners; ++corner) {
      if (tile.weight[corner][i] == 0) continue;
      voxel[count] = tile.voxel[corner][i];
      weight[count++] = tile.weight[corner][i];
    }
  }
  int count = 0;
  std::int64_t voxel[AnyTile::kCorners];
  Wide<S> weight[AnyTile::kCorners];
};

template <class S, class AnyTile>
void warp_voxels(const AnyTile& tile, const S* image, std::int64_t channels, std::int64_t count,
                 S* out) {
  using T = Wide<S>;
  for (std::int64_t i = 0; i < count; ++i) {
    const Corners<S, AnyTile> corners(tile, i);
    for_each_register<T>(channels, [&](std::int64_t c, auto lanes) {
      Vector<T> sum{};
      for (int k = 0; k < corners.count; ++k)
        sum += corners.weight[k] * read(image + corners.voxel[k] * channels + c, lanes);
      write(out + i * channels + c, sum, lanes);
    });
  }
}

template <class S, int kAxes, bool kNearest>
void warp_tiles(const WarpCall<S>& call, std::int64_t begin, std::int64_t end) {
  const auto& space = call.space;
  const auto channels = space.channels;
  const auto voxels = volume(space.in);
  Tile<Wide<S>, kAxes, kNearest> tile;
  for (auto index = begin; index < end; ++index) {
    const Piece piece(space, index);
    tile.find(space, piece, call.positions);
    const S* const image = call.image + piece.sample * channels * voxels;
    S* const out = call.out + piece.sample * channels * piece.all;
    if (space.channels_last)
      warp_voxels(tile, image, channels, piece.count, out + piece.first * channels);
    else
      for (std::int64_t c = 0; c < channels; ++c)
        warp_plane(tile, image + c * voxels, piece.count, out + c * piece.all + piece.first);
  }
}

// Of each corner of each position of a tile: the sum over channels of gradient times value.
template <class S, class AnyTile>
struct Products {
  using T = Wide<S>;

  void of_planes(const AnyTile& tile, const S* image, std::int64_t voxels, const S* grad,
                 std::int64_t positions, std::int64_t channels, std::int64_t count) {
    for (auto& row : sum)
      for (auto& number : row) number = 0;
    for (std::int64_t c = 0; c < channels; ++c, image += voxels, grad += positions)
      for (int corner = 0; corner < AnyTile::kCorners; ++corner)
        for (std::int64_t i = 0; i < count; ++i)
          sum[corner][i] += wide(grad[i]) * wide(image[tile.voxel[corner][i]]);
  }
  void of_voxels(const AnyTile& tile, const S* image, const S* grad, std::int64_t channels,
                 std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i)
      for (int corner = 0; corner < AnyTile::kCorners; ++corner) {
        const S* const value = image + static_cast<std::int64_t>(tile.voxel[corner][i]) * channels;
        Vector<T> total{};
        for_each_register<T>(channels, [&](std::int64_t c, auto lanes) {
          total += read(grad + i * channels + c, lanes) * read(value + c, lanes);
        });
        T lanes[kLanes<T>];
        store(lanes, total);
        for (auto half = kLanes<T> / 2; half > 0; half /= 2)
          for (std::int64_t l = 0; l < half; ++l) lanes[l] += lanes[half + l];
        sum[corner][i] = lanes[0];
      }
  }

  T sum[AnyTile::kCorners][kTile];
};

template <class S, int kAxes>
void position_gradient_tiles(const PositionGradientCall<S>& call, std::int64_t begin,
                             std::int64_t end) {
  using T = Wide<S>;
  const auto& space = call.space;
  const auto channels = space.channels;
  const auto voxels = volume(space.in);
  Tile<T, kAxes, false> tile;
  Products<S, decltype(tile)> products;
  for (auto index = begin; index < end; ++index) {
    const Piece piece(space, index);
    tile.find(space, piece, call.positions);
    const S* const image = call.image + piece.sample * channels * voxels;
    const S* const grad = call.grad + piece.sample * channels * piece.all;
    if (space.channels_last)
      products.of_voxels(tile, image, grad + piece.first * channels, channels, piece.count);
    else
      products.of_planes(tile, image, voxels, grad + piece.first, piece.all, channels, piece.count);
    for (int k = 0; k < kAxes; ++k) {
      T* const out = call.grad_positions + (piece.sample * kAxes + k) * piece.all + piece.first;
      for (std::int64_t i = 0; i < piece.count; ++i) {
        T sum = 0;
        for (int corner = 0; corner < tile.kCorners; ++corner) {
          const T slope = tile.slope(corner, k, i);
          sum += slope == 0 ? T(0) : slope * products.sum[corner][i];
        }
        out[i] = sum;
      }
    }
  }
}

template <class S, class AnyTile>
void add_to_plane(const AnyTile& tile, const S* grad, std::int64_t count, Wide<S>* plane) {
  for (std::int64_t i = 0; i < count; ++i) {
    const auto g = wide(grad[i]);
#pragma GCC unroll 8
    for (int corner = 0; corner < AnyTile::kCorners; ++corner)
      if (tile.weight[corner][i] != 0) plane[tile.voxel[corner][i]] += tile.weight[corner][i] * g;
  }
}

template <class S, class AnyTile>
void add_to_voxels(const AnyTile& tile, const S* grad, std::int64_t channels, std::int64_t length,
                   std::int64_t count, Wide<S>* to) {
  using T = Wide<S>;
  for (std::int64_t i = 0; i < count; ++i) {
    const Corners<S, AnyTile> corners(tile, i);
    for_each_register<T>(length, [&](std::int64_t c, auto lanes) {
      const auto g = read(grad + i * channels + c, lanes);
      for (int k = 0; k < corners.count; ++k) {
        T* const place = to + corners.voxel[k] * channels + c;
        write(place, read(place, lanes) + corners.weight[k] * g, lanes);
      }
    });
  }
}

template <class S, int kAxes, bool kNearest>
void image_gradient_blocks(const ImageGradientCall<S>& call, std::int64_t begin, std::int64_t end) {
  const auto& space = call.space;
  const auto channels = space.channels;
  const auto voxels = volume(space.in);
  const auto block = space.channels_last ? kBlock : 1;
  const auto blocks = (channels + block - 1) / block;
  const auto tiles = (volume(space.out) + kTile - 1) / kTile;
  Tile<Wide<S>, kAxes, kNearest> tile;
  while (begin < end) {  // the blocks of one sample at a time
    const auto sample = begin / blocks;
    const auto last = smaller(end, (sample + 1) * blocks);
    const auto first_channel = (begin - sample * blocks) * block;
    const auto last_channel = smaller((last - sample * blocks) * block, channels);
    begin = last;
    auto* const to = call.grad_image + sample * channels * voxels;
    for (std::int64_t t = 0; t < tiles; ++t) {
      const Piece piece(space, sample * tiles + t);
      tile.find(space, piece, call.positions);
      const S* const grad = call.grad + sample * channels * piece.all;
      if (space.channels_last)
        add_to_voxels(tile, grad + piece.first * channels + first_channel, channels,
                      last_channel - first_channel, piece.count, to + first_channel);
      else
        for (auto c = first_channel; c < last_channel; ++c)
          add_to_plane(tile, grad + c * piece.all + piece.first, piece.count, to + c * voxels);
    }
  }
}

template <class S>
void warp(const WarpCall<S>& call, std::int64_t begin, std::int64_t end) {
  const auto loop =
      call.space.nearest
          ? (call.space.axes == 3 ? &warp_tiles<S, 3, true> : &warp_tiles<S, 2, true>)
          : (call.space.axes == 3 ? &warp_tiles<S, 3, false> : &warp_tiles<S, 2, false>);
  loop(call, begin, end);
}

template <class S>
void position_gradient(const PositionGradientCall<S>& call, std::int64_t begin, std::int64_t end) {
  const auto loop =
      call.space.axes == 3 ? &position_gradient_tiles<S, 3> : &position_gradient_tiles<S, 2>;
  loop(call, begin, end);
}

template <class S>
void image_gradient(const ImageGradientCall<S>& call, std::int64_t begin, std::int64_t end) {
  const auto loop = call.space.nearest
                        ? (call.space.axes == 3 ? &image_gradient_blocks<S, 3, true>
                                                : &image_gradient_blocks<S, 2, true>)
                        : (call.space.axes == 3 ? &image_gradient_blocks<S, 3, false>
                                                : &image_gradient_blocks<S, 2, false>);
  loop(call, begin, end);
}

template <class S>
constexpr WarpLoops<S> kLoops = {&warp<S>, &position_gradient<S>, &image_gradient<S>};

}  // namespace

extern const WarpKernel COVECTOR_WARP_KERNEL = {kLoops<float>, kLoops<double>, kLoops<BFloat16>};

}  // namespace covector::ops::cpu
