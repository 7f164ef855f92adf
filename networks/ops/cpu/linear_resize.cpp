#include "ops/linear_resize.h"

#include "kernels/capability.h"
#include "kernels/dtype.h"
#include "ops/cpu/linear_resize_kernel.h"
#include "ops/linear_resize_maps.h"

#include <ATen/Parallel.h>
#include <torch/library.h>
#include <torch/types.h>

#include <algorithm>
#include <vector>

namespace covector::networks::ops::cpu {

using kernels::chosen;
using kernels::of_type;
using kernels::with_type;

namespace {

// Numbers that are worth a task of their own.
constexpr std::int64_t kTask = 32768;

const LinearResizeKernel& kernel() {
#ifdef COVECTOR_X86
  return chosen(kLinearResizeDefault, kLinearResizeAvx2, kLinearResizeAvx512);
#else
  return kLinearResizeDefault;
#endif
}

// One axis of interpolation from `in` to `out` voxels, or of its transpose, from `out` to `in`.
template <class T>
struct Axis {
  Axis(std::int64_t in, std::int64_t out, bool align_corners, bool transposed)
      : size(transposed ? in : out) {
    std::vector<std::vector<std::pair<std::int64_t, double>>> rows(size);
    const auto add = [&](std::int64_t to, std::int64_t from_in, double part) {
      if (part == 0) return;
      if (transposed)
        rows[from_in].emplace_back(to, part);
      else
        rows[to].emplace_back(from_in, part);
    };
    const auto step =
        align_corners ? (out > 1 ? static_cast<double>(in - 1) / static_cast<double>(out - 1) : 0)
                      : static_cast<double>(in) / static_cast<double>(out);
    for (std::int64_t i = 0; i < out; ++i) {
      const auto place = align_corners ? step * static_cast<double>(i)
                                       : std::max(0.0, step * (static_cast<double>(i) + 0.5) - 0.5);
      const auto low = std::min(static_cast<std::int64_t>(place), in - 1);
      const auto part = low + 1 < in ? place - static_cast<double>(low) : 0.0;
      add(i, low, 1 - part);
      add(i, low + 1, part);
    }
    for (const auto& row : rows) count = std::max<std::int64_t>(count, std::ssize(row));
    from.resize(count * size);
    weight.resize(count * size);
    for (std::int64_t i = 0; i < size; ++i)
      for (std::int64_t t = 0; t < count; ++t) {
        const auto& row = rows[i];
        const bool there = t < std::ssize(row);
        // What fills up weighs nothing; it reads what is read anyway.
        from[t * size + i] = static_cast<std::int32_t>(there         ? row[t].first
                                                       : row.empty() ? 0
                                                                     : row[0].first);
        weight[t * size + i] = there ? static_cast<T>(row[t].second) : 0;
      }
  }
  Taps<T> taps() const { return {count, size, from.data(), weight.data()}; }

  std::int64_t size;
  std::int64_t count = 1;
  std::vector<std::int32_t> from;
  std::vector<T> weight;
};

template <class S>
void run(const at::Tensor& x, bool last, bool align_corners, bool transposed,
         const at::Tensor& out) {
  using T = Wide<S>;
  const auto d = x.dim() - 2;
  const auto axis = [&](std::int64_t i) {  // 3 - d unit axes, then those of the maps
    const auto mine = i - (3 - d) + 2;
    const auto from = mine < 2 ? 1 : x.size(mine);
    const auto to = mine < 2 ? 1 : out.size(mine);
    return transposed ? Axis<T>(to, from, align_corners, true)
                      : Axis<T>(from, to, align_corners, false);
  };
  const auto z = axis(0);
  const auto y = axis(1);
  const auto w = axis(2);
  const auto channels = last ? x.size(1) : 1;
  const auto slabs = last ? 1 : x.size(1);
  const ResizeCall<S> call{channels,
                           slabs,
                           x.size(-1),
                           x.stride(0),
                           last ? 0 : x.stride(1),
                           d == 3 ? x.stride(2) : 0,
                           x.stride(-2),
                           x.stride(-1),
                           z.taps(),
                           y.taps(),
                           w.taps(),
                           static_cast<const S*>(x.const_data_ptr()),
                           static_cast<S*>(out.data_ptr())};
  const auto rows = x.size(0) * slabs * z.size * y.size;
  const auto grain = std::max<std::int64_t>(1, kTask / (w.size * channels));
  at::parallel_for(0, rows, grain, [&](std::int64_t begin, std::int64_t end) {
    std::vector<T> row(x.size(-1) * channels + kMostLanes);
    std::vector<T> result(w.size + kMostLanes);
    std::vector<const S*> sources(z.count * y.count);
    std::vector<T> weights(sources.size());
    of_type<S>(kernel())(call, begin, end,
                         {row.data(), result.data(), sources.data(), weights.data()});
  });
}

// Undefined where there are no loops.
at::Tensor resized(const at::Tensor& input, at::IntArrayRef size, bool align_corners,
                   bool transposed) {
  const bool last = channels_inside(input);
  const auto out = empty_resized(input, size);
  if (out.numel() == 0 || input.numel() == 0) return {};
  const auto x = last || input.stride(-1) == 1 ? input : input.contiguous();
  const bool known = with_type(x.scalar_type(), [&](auto type) {
    run<decltype(type)>(x, last, align_corners, transposed, out);
  });
  return known ? out : at::Tensor();
}

at::Tensor linear_resize(const at::Tensor& input, at::IntArrayRef size, bool align_corners) {
  const auto out = resized(input, size, align_corners, false);
  return out.defined() ? out : reference::linear_resize(input, size, align_corners);
}

at::Tensor linear_resize_backward(const at::Tensor& grad, at::IntArrayRef size,
                                  bool align_corners) {
  const auto out = resized(grad, size, align_corners, true);
  return out.defined() ? out : reference::linear_resize_backward(grad, size, align_corners);
}

}  // namespace
}  // namespace covector::networks::ops::cpu

TORCH_LIBRARY_IMPL(covector, CPU, library) {
  namespace cpu = covector::networks::ops::cpu;
  library.impl("linear_resize", &cpu::linear_resize);
  library.impl("linear_resize_backward", &cpu::linear_resize_backward);
}
