#include "ops/group_norm.h"

#include "kernels/capability.h"
#include "kernels/dtype.h"
#include "ops/cpu/group_norm_kernel.h"

#include <ATen/Parallel.h>
#include <torch/library.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace covector::networks::ops::cpu {

using kernels::chosen;
using kernels::of_type;
using kernels::with_type;

namespace {

// Numbers of a row at least: enough registers to hide the time that an addition takes.
constexpr std::int64_t kRow = 64;
// Numbers of a chunk: few enough for the cache of a core, enough to outweigh what a chunk costs.
constexpr std::int64_t kChunk = 32768;
// Bytes of a round that one thread may count on to find again in a cache.
constexpr std::int64_t kCache = 2 << 20;

const GroupNormKernel& kernel() {
#ifdef COVECTOR_X86
  return chosen(kGroupNormDefault, kGroupNormAvx2, kGroupNormAvx512);
#else
  return kGroupNormDefault;
#endif
}

template <class S>
const NormLoops<S>& loops(const Slabs& slabs) {
  const auto& both = of_type<S>(kernel());
  return slabs.channels == 1 ? both.one : both.many;
}

Slabs slabs_of(const at::Tensor& x) {
  const auto samples = x.size(0);
  const auto channels = x.size(1);
  const auto voxels = x.numel() / (samples * channels);
  const bool last = !x.is_contiguous();
  Slabs slabs{last ? samples : samples * channels, voxels, last ? channels : 1, 1, 0, 0};
  while (slabs.repeats * slabs.channels < kRow) slabs.repeats *= 2;
  const auto row = slabs.repeats * slabs.channels;
  slabs.chunk = std::max<std::int64_t>(1, kChunk / row) * slabs.repeats;
  slabs.chunks = (voxels + slabs.chunk - 1) / slabs.chunk;
  return slabs;
}

// Groups that are done together, and their chunks, from first to before last. Groups count on from
// sample to sample.
struct Round {
  std::int64_t first_group, last_group;
  std::int64_t first_chunk, last_chunk;
};

// Rounds small enough that the second loop finds in the cache what the first has read. `bytes`: of
// all that a loop reads.
std::vector<Round> rounds_of(const Slabs& slabs, std::int64_t groups, std::int64_t bytes) {
  // The smallest parts that are whole groups and whole slabs.
  const auto parts = std::min(slabs.count, groups);
  const auto cache = kCache * at::get_num_threads();
  const auto together = std::max<std::int64_t>(1, cache * parts / bytes);
  std::vector<Round> rounds;
  for (std::int64_t first = 0; first < parts; first += together) {
    const auto last = std::min(first + together, parts);
    rounds.push_back({first * groups / parts, last * groups / parts,
                      first * slabs.count / parts * slabs.chunks,
                      last * slabs.count / parts * slabs.chunks});
  }
  return rounds;
}

// Runs `loop` on the chunks of a round, in parallel.
template <class Call, class T>
void run(void (*loop)(const Call&, std::int64_t, std::int64_t, T*), const Call& call,
         const Round& round) {
  const auto& slabs = call.slabs;
  const auto size = std::min(slabs.chunk, slabs.voxels) * slabs.channels;
  at::parallel_for(round.first_chunk, round.last_chunk, std::max<std::int64_t>(1, kChunk / size),
                   [&](std::int64_t begin, std::int64_t end) {
                     std::vector<T> scratch(norm_scratch(slabs));
                     loop(call, begin, end, scratch.data());
                   });
}

// Calls visit(place, voxels) for each chunk of one channel of one sample; `place` is where the
// loops put what they found of it. Channels count on from sample to sample.
template <class Visit>
void for_each_chunk(const Slabs& slabs, std::int64_t channel, const Visit& visit) {
  const auto first = channel / slabs.channels * slabs.chunks;
  for (std::int64_t k = 0; k < slabs.chunks; ++k)
    visit((first + k) * slabs.channels + channel % slabs.channels,
          static_cast<double>(std::min(slabs.chunk, slabs.voxels - k * slabs.chunk)));
}

// What there is of every channel of every sample, in the dtype that is computed in.
template <class T>
struct Channels {
  Channels(const at::Tensor& input, const at::Tensor& weight_of, const at::Tensor& bias_of,
           std::int64_t groups)
      : count(input.size(1)),
        each(count / groups),
        weight(weight_of.to(c10::CppTypeToScalarType<T>::value).contiguous()),
        bias(bias_of.to(c10::CppTypeToScalarType<T>::value).contiguous()),
        mean(input.size(0) * count),
        scale(mean.size()),
        shift(mean.size()) {}

  // `group` counts on from sample to sample.
  void set(std::int64_t group, T mu, T rstd) {
    const auto* const b = bias.template const_data_ptr<T>();
    for (auto c = group * each; c < (group + 1) * each; ++c) {
      mean[c] = mu;
      scale[c] = rstd * weight_at(c);
      shift[c] = b[c % count];
    }
  }
  T weight_at(std::int64_t channel) const {
    return weight.template const_data_ptr<T>()[channel % count];
  }
  Affine<T> affine(double slope) const {
    return {mean.data(), scale.data(), shift.data(), static_cast<T>(slope)};
  }

  std::int64_t count;  // of a sample
  std::int64_t each;   // of a group
  at::Tensor weight, bias;
  std::vector<T> mean, scale, shift;
};

// Mean and biased variance of the channels begin .. end - 1, from those of their chunks.
std::pair<double, double> moments_of(const Slabs& slabs, const std::vector<double>& means,
                                     const std::vector<double>& squares, std::int64_t begin,
                                     std::int64_t end) {
  const auto size = static_cast<double>((end - begin) * slabs.voxels);
  double sum = 0;
  for (auto c = begin; c < end; ++c)
    for_each_chunk(slabs, c, [&](std::int64_t i, double voxels) { sum += voxels * means[i]; });
  const auto mean = sum / size;
  double square = 0;
  for (auto c = begin; c < end; ++c)
    for_each_chunk(slabs, c, [&](std::int64_t i, double voxels) {
      const auto away = means[i] - mean;
      square += squares[i] + voxels * away * away;
    });
  return {mean, square / size};
}

template <class S>
void forward(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias, double eps,
             double slope, const NormForward& to) {
  using T = Wide<S>;
  const auto& [out, mean, rstd] = to;
  const auto slabs = slabs_of(input);
  Channels<T> channels(input, weight, bias, mean.size(1));
  std::vector<double> means(slabs.count * slabs.chunks * slabs.channels);
  std::vector<double> squares(means.size());
  const ForwardNormCall<S> call{slabs,
                                static_cast<const S*>(input.const_data_ptr()),
                                means.data(),
                                squares.data(),
                                channels.affine(slope),
                                static_cast<S*>(out.data_ptr())};
  auto* const mu = mean.template data_ptr<T>();
  auto* const r = rstd.template data_ptr<T>();
  for (const auto& round :
       rounds_of(slabs, mean.numel(), static_cast<std::int64_t>(input.nbytes()))) {
    run(loops<S>(slabs).moments, call, round);
    for (auto g = round.first_group; g < round.last_group; ++g) {
      const auto found =
          moments_of(slabs, means, squares, g * channels.each, (g + 1) * channels.each);
      mu[g] = static_cast<T>(found.first);
      r[g] = static_cast<T>(1 / std::sqrt(found.second + eps));
      channels.set(g, mu[g], r[g]);
    }
    run(loops<S>(slabs).normalize, call, round);
  }
}

// What backward finds between its two loops.
template <class T>
struct Between {
  Between(const Slabs& slabs, const Channels<T>& channels)
      : sums(slabs.count * slabs.chunks * slabs.channels),
        moments(sums.size()),
        slant(channels.mean.size()),
        offset(channels.mean.size()),
        of_weight(channels.count),
        of_bias(channels.count) {}

  // With g the gradient before the activation, d = x - mean and means over the group,
  //   grad_weight = sum g d rstd,   grad_bias = sum g,
  //   grad_input = rstd (weight g - mean(weight g) - rstd^2 d mean(weight g d)).
  void set(std::int64_t group, const Slabs& slabs, const Channels<T>& channels, double rstd) {
    const auto begin = group * channels.each;
    const auto end = begin + channels.each;
    double weighted_sum = 0;
    double weighted_moment = 0;
    for (auto c = begin; c < end; ++c) {
      double sum = 0;
      double moment = 0;
      for_each_chunk(slabs, c, [&](std::int64_t i, double) {
        sum += sums[i];
        moment += moments[i];
      });
      of_bias[c % channels.count] += sum;
      of_weight[c % channels.count] += moment * rstd;
      weighted_sum += sum * channels.weight_at(c);
      weighted_moment += moment * channels.weight_at(c);
    }
    const auto size = static_cast<double>(channels.each * slabs.voxels);
    for (auto c = begin; c < end; ++c) {
      slant[c] = static_cast<T>(-rstd * rstd * rstd * weighted_moment / size);
      offset[c] = static_cast<T>(-rstd * weighted_sum / size);
    }
  }

  // Of each channel of each chunk:
  std::vector<T> sums, moments;
  // Of each channel of each sample:
  std::vector<T> slant, offset;
  // Of each channel:
  std::vector<double> of_weight, of_bias;
};

template <class S>
void backward(const at::Tensor& grad, const at::Tensor& input, const at::Tensor& weight,
              const at::Tensor& bias, const at::Tensor& mean, const at::Tensor& rstd, double slope,
              const NormBackward& to) {
  using T = Wide<S>;
  const auto slabs = slabs_of(input);
  Channels<T> channels(input, weight, bias, mean.size(1));
  Between<T> between(slabs, channels);
  const auto* const mu = mean.const_data_ptr<T>();
  const auto* const r = rstd.const_data_ptr<T>();
  for (std::int64_t g = 0; g < mean.numel(); ++g) channels.set(g, mu[g], r[g]);
  const BackwardNormCall<S> call{slabs,
                                 static_cast<const S*>(input.const_data_ptr()),
                                 static_cast<const S*>(grad.const_data_ptr()),
                                 channels.affine(slope),
                                 between.sums.data(),
                                 between.moments.data(),
                                 between.slant.data(),
                                 between.offset.data(),
                                 static_cast<S*>(std::get<0>(to).data_ptr())};
  const auto bytes = static_cast<std::int64_t>(input.nbytes() + grad.nbytes());
  for (const auto& round : rounds_of(slabs, mean.numel(), bytes)) {
    run(loops<S>(slabs).sums, call, round);
    for (auto g = round.first_group; g < round.last_group; ++g)
      between.set(g, slabs, channels, r[g]);
    run(loops<S>(slabs).gradient, call, round);
  }
  std::get<1>(to).copy_(at::tensor(between.of_weight));
  std::get<2>(to).copy_(at::tensor(between.of_bias));
}

NormForward group_norm(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                       std::int64_t groups, double eps, double slope) {
  const auto x = dense(input);
  const auto options = x.options().dtype(computed_in(x.scalar_type()));
  const NormForward to{at::empty_like(x), at::zeros({x.size(0), groups}, options),
                       at::zeros({x.size(0), groups}, options)};
  if (x.numel() == 0) return to;
  const bool known = with_type(x.scalar_type(), [&](auto type) {
    forward<decltype(type)>(x, weight, bias, eps, slope, to);
  });
  return known ? to : reference::group_norm(input, weight, bias, groups, eps, slope);
}

NormBackward group_norm_backward(const at::Tensor& grad, const at::Tensor& input,
                                 const at::Tensor& weight, const at::Tensor& bias,
                                 const at::Tensor& mean, const at::Tensor& rstd,
                                 std::int64_t groups, double slope) {
  const auto x = dense(input);
  const NormBackward to{at::empty_like(x), at::zeros_like(weight), at::zeros_like(bias)};
  if (x.numel() == 0) return to;
  const auto g = x.is_contiguous() ? grad.contiguous() : grad.contiguous(x.suggest_memory_format());
  const bool known = with_type(x.scalar_type(), [&](auto type) {
    backward<decltype(type)>(g, x, weight, bias, mean, rstd, slope, to);
  });
  return known
             ? to
             : reference::group_norm_backward(grad, input, weight, bias, mean, rstd, groups, slope);
}

}  // namespace
}  // namespace covector::networks::ops::cpu

TORCH_LIBRARY_IMPL(covector, CPU, library) {
  namespace cpu = covector::networks::ops::cpu;
  library.impl("group_norm", &cpu::group_norm);
  library.impl("group_norm_backward", &cpu::group_norm_backward);
}
