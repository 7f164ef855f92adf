#include "ops/cpu/group_norm_kernel.h"

#include "kernels/simd.h"

namespace covector::networks::ops::cpu {

using namespace kernels;

namespace {

// v where there is a number in memory, else zero.
template <class T>
Vector<T> only(Vector<T> v, Whole) {
  return v;
}
template <class T>
Vector<T> only(Vector<T> v, Part part) {
  for (auto i = part.lanes; i < kLanes<T>; ++i) v[i] = 0;
  return v;
}

// Registers of a row where a map has one channel: enough to hide the time that an addition takes.
constexpr std::int64_t kRegisters = 4;

// The numbers of one chunk. kOne: the map has one channel, so that what there is of every channel
// stays in registers; else it is written out for a row of voxels.
template <bool kOne>
struct Chunk {
  Chunk(const Slabs& slabs, std::int64_t index)
      : channels(kOne ? 1 : slabs.channels), row(slabs.repeats * channels) {
    const auto slab = index / slabs.chunks;
    const auto first = index % slabs.chunks * slabs.chunk;
    voxels = smaller(slabs.chunk, slabs.voxels - first);
    start = (slab * slabs.voxels + first) * channels;
    of_sample = slab * channels;
    of_chunk = index * channels;
  }
  std::int64_t channels;
  std::int64_t row;  // numbers
  std::int64_t voxels;
  // Starts of the chunk:
  std::int64_t start;      // in the map
  std::int64_t of_sample;  // in what there is of every channel of every sample
  std::int64_t of_chunk;   // in what there is of every channel of every chunk

  // Calls visit(i, place, lanes) for every register of the chunk, which starts at number i of it.
  // `place` is the start in a row, or, where there is one channel, a register of a row.
  template <class T, class Visit>
  __attribute__((always_inline)) void for_each(const Visit& visit) const {
    const auto count = voxels * channels;
    if constexpr (kOne) {
      std::int64_t i = 0;
      for (; i + kRegisters * kLanes<T> <= count; i += kRegisters * kLanes<T>)
#pragma GCC unroll 4
        for (std::int64_t place = 0; place < kRegisters; ++place)
          visit(i + place * kLanes<T>, place, Whole{});
      for (; i + kLanes<T> <= count; i += kLanes<T>) visit(i, 0, Whole{});
      if (i < count) visit(i, 0, Part{count - i});
    } else {
      for (std::int64_t begin = 0; begin < count; begin += row) {
        const auto length = smaller(row, count - begin);
        std::int64_t i = 0;
        for (; i + kLanes<T> <= length; i += kLanes<T>) visit(begin + i, i, Whole{});
        if (i < length) visit(begin + i, i, Part{length - i});
      }
    }
  }
};

// A number of every channel.
template <class T, bool kOne>
struct Values;
template <class T>
struct Values<T, true> {
  Values(const Chunk<true>&, const T* values, T*&) : value(all(*values)) {}
  Vector<T> at(std::int64_t) const { return value; }
  Vector<T> value;
};
template <class T>
struct Values<T, false> {
  // Takes a row off the scratch and copies the channels to every voxel of it, twice as many each
  // time.
  Values(const Chunk<false>& chunk, const T* values, T*& scratch) : row(scratch) {
    scratch += chunk.row + kMostLanes;
    for (std::int64_t c = 0; c < chunk.channels; ++c) row[c] = values[c];
    for (auto have = chunk.channels; have < chunk.row; have *= 2)
      for (std::int64_t i = 0; i < have; ++i) row[have + i] = row[i];
  }
  Vector<T> at(std::int64_t place) const { return load(row + place); }
  T* row;
};

// A sum over every channel. [c] is that of a channel once they are folded.
template <class T, bool kOne>
struct Sums;
template <class T>
struct Sums<T, true> {
  Sums(const Chunk<true>&, T*&) {}
  void add(std::int64_t place, Vector<T> v) { registers[place] += v; }
  void fold() {
    Vector<T> sum{};
    for (const auto& part : registers) sum += part;
    T lanes[kLanes<T>];
    store(lanes, sum);
    for (auto half = kLanes<T> / 2; half > 0; half /= 2)
      for (std::int64_t i = 0; i < half; ++i) lanes[i] += lanes[half + i];
    total = lanes[0];
  }
  T operator[](std::int64_t) const { return total; }
  Vector<T> registers[kRegisters] = {};
  T total = 0;
};
template <class T>
struct Sums<T, false> {
  // Takes a row off the scratch.
  Sums(const Chunk<false>& of, T*& scratch) : chunk(of), row(scratch) {
    scratch += chunk.row + kMostLanes;
    for (std::int64_t i = 0; i < chunk.row + kMostLanes; ++i) row[i] = 0;
  }
  void add(std::int64_t place, Vector<T> v) { store<T>(row + place, load(row + place) + v); }
  void fold() {
    for (auto half = chunk.row / 2; half >= chunk.channels; half /= 2)
      for (std::int64_t i = 0; i < half; ++i) row[i] += row[half + i];
  }
  T operator[](std::int64_t c) const { return row[c]; }
  const Chunk<false>& chunk;
  T* row;
};

// Two passes over a chunk, the second from the cache, with what rounding left of the mean put right
// by the second: T. F. Chan et al., Algorithms for Computing the Sample Variance, 1983, eq. 1.7.
template <class S, bool kOne>
void moments(const ForwardNormCall<S>& call, std::int64_t begin, std::int64_t end,
             Wide<S>* scratch) {
  using T = Wide<S>;
  for (auto index = begin; index < end; ++index) {
    const Chunk<kOne> chunk(call.slabs, index);
    const S* const x = call.input + chunk.start;
    const auto count = static_cast<T>(chunk.voxels);
    T* const about = scratch;
    auto* free = scratch + chunk.channels;

    Sums<T, kOne> sum(chunk, free);
    chunk.template for_each<T>([&](std::int64_t i, std::int64_t place, auto lanes) {
      sum.add(place, read(x + i, lanes));
    });
    sum.fold();
    for (std::int64_t c = 0; c < chunk.channels; ++c) about[c] = sum[c] / count;

    const Values<T, kOne> mean(chunk, about, free);
    Sums<T, kOne> left(chunk, free);
    Sums<T, kOne> square(chunk, free);
    chunk.template for_each<T>([&](std::int64_t i, std::int64_t place, auto lanes) {
      const Vector<T> away = only<T>(read(x + i, lanes) - mean.at(place), lanes);
      left.add(place, away);
      square.add(place, away * away);
    });
    left.fold();
    square.fold();
    for (std::int64_t c = 0; c < chunk.channels; ++c) {
      const double rest = left[c];
      const auto error = rest / static_cast<double>(chunk.voxels);
      call.means[chunk.of_chunk + c] = about[c] + error;
      call.squares[chunk.of_chunk + c] = square[c] - rest * error;
    }
  }
}

template <class T, bool kOne>
struct AffineValues {
  AffineValues(const Chunk<kOne>& chunk, const Affine<T>& affine, T*& scratch)
      : mean(chunk, affine.mean + chunk.of_sample, scratch),
        scale(chunk, affine.scale + chunk.of_sample, scratch),
        shift(chunk, affine.shift + chunk.of_sample, scratch),
        slope(affine.slope) {}
  // From x - mean, before the activation.
  Vector<T> result(Vector<T> away, std::int64_t place) const {
    return away * scale.at(place) + shift.at(place);
  }
  // The gradient before the activation from that after it.
  Vector<T> gradient(Vector<T> after, Vector<T> away, std::int64_t place) const {
    return result(away, place) > T(0) ? after : after * slope;
  }
  Values<T, kOne> mean, scale, shift;
  T slope;
};

template <class S, bool kOne>
void normalize(const ForwardNormCall<S>& call, std::int64_t begin, std::int64_t end,
               Wide<S>* scratch) {
  using T = Wide<S>;
  for (auto index = begin; index < end; ++index) {
    const Chunk<kOne> chunk(call.slabs, index);
    auto* free = scratch;
    const AffineValues<T, kOne> affine(chunk, call.affine, free);
    const S* const x = call.input + chunk.start;
    S* const out = call.out + chunk.start;
    chunk.template for_each<T>([&](std::int64_t i, std::int64_t place, auto lanes) {
      const Vector<T> y = affine.result(read(x + i, lanes) - affine.mean.at(place), place);
      write(out + i, y > T(0) ? y : y * affine.slope, lanes);
    });
  }
}

template <class S, bool kOne>
void sums(const BackwardNormCall<S>& call, std::int64_t begin, std::int64_t end, Wide<S>* scratch) {
  using T = Wide<S>;
  for (auto index = begin; index < end; ++index) {
    const Chunk<kOne> chunk(call.slabs, index);
    auto* free = scratch;
    const AffineValues<T, kOne> affine(chunk, call.affine, free);
    Sums<T, kOne> sum(chunk, free);
    Sums<T, kOne> moment(chunk, free);
    const S* const x = call.input + chunk.start;
    const S* const grad = call.grad + chunk.start;
    chunk.template for_each<T>([&](std::int64_t i, std::int64_t place, auto lanes) {
      const Vector<T> away = read(x + i, lanes) - affine.mean.at(place);
      // Zero in lanes that stand for nothing, since what is read there is.
      const auto g = affine.gradient(read(grad + i, lanes), away, place);
      sum.add(place, g);
      moment.add(place, g * away);
    });
    sum.fold();
    moment.fold();
    for (std::int64_t c = 0; c < chunk.channels; ++c) {
      call.sums[chunk.of_chunk + c] = sum[c];
      call.moments[chunk.of_chunk + c] = moment[c];
    }
  }
}

template <class S, bool kOne>
void gradient(const BackwardNormCall<S>& call, std::int64_t begin, std::int64_t end,
              Wide<S>* scratch) {
  using T = Wide<S>;
  for (auto index = begin; index < end; ++index) {
    const Chunk<kOne> chunk(call.slabs, index);
    auto* free = scratch;
    const AffineValues<T, kOne> affine(chunk, call.affine, free);
    const Values<T, kOne> slant(chunk, call.slant + chunk.of_sample, free);
    const Values<T, kOne> offset(chunk, call.offset + chunk.of_sample, free);
    const S* const x = call.input + chunk.start;
    const S* const grad = call.grad + chunk.start;
    S* const out = call.grad_input + chunk.start;
    chunk.template for_each<T>([&](std::int64_t i, std::int64_t place, auto lanes) {
      const Vector<T> away = read(x + i, lanes) - affine.mean.at(place);
      const auto g = affine.gradient(read(grad + i, lanes), away, place);
      const Vector<T> rest = slant.at(place) * away + offset.at(place);
      write(out + i, affine.scale.at(place) * g + rest, lanes);
    });
  }
}

template <class S, bool kOne>
constexpr NormLoops<S> kLoops = {&moments<S, kOne>, &normalize<S, kOne>, &sums<S, kOne>,
                                 &gradient<S, kOne>};
template <class S>
constexpr NormLoopsOf<S> kBoth = {kLoops<S, true>, kLoops<S, false>};

}  // namespace

extern const GroupNormKernel COVECTOR_GROUP_NORM_KERNEL = {kBoth<float>, kBoth<double>,
                                                           kBoth<BFloat16>};

}  // namespace covector::networks::ops::cpu
