#include "ops/cpu/linear_resize_kernel.h"

#include "kernels/simd.h"

namespace covector::networks::ops::cpu {

using namespace kernels;

namespace {

// Lists the input rows that make up one row of the result; returns how many they are.
template <class S>
std::int64_t find_rows(const ResizeCall<S>& call, std::int64_t index,
                       const ResizeScratch<S>& scratch) {
  const auto y = index % call.y.size;
  const auto z = index / call.y.size % call.z.size;
  const auto slab = index / (call.y.size * call.z.size);
  const S* const start =
      call.input + slab / call.slabs * call.sample_step + slab % call.slabs * call.slab_step;
  std::int64_t count = 0;
  for (std::int64_t tz = 0; tz < call.z.count; ++tz)
    for (std::int64_t ty = 0; ty < call.y.count; ++ty) {
      const auto in_z = tz * call.z.size + z;
      const auto in_y = ty * call.y.size + y;
      const auto weight = call.z.weight[in_z] * call.y.weight[in_y];
      if (weight == 0) continue;
      scratch.rows[count] =
          start + call.z.from[in_z] * call.z_step + call.y.from[in_y] * call.y_step;
      scratch.row_weight[count++] = weight;
    }
  return count;
}

// The weighted sum of `length` numbers of each row, from number `first` of the rows.
template <class S>
void add_rows(const ResizeScratch<S>& scratch, std::int64_t rows, std::int64_t first,
              std::int64_t length, Wide<S>* to) {
  using T = Wide<S>;
  for_each_register<T>(length, [&](std::int64_t i, auto lanes) {
    Vector<T> sum{};
    for (std::int64_t k = 0; k < rows; ++k)
      sum += scratch.row_weight[k] * read(scratch.rows[k] + first + i, lanes);
    store(to + i, sum);
  });
}

template <class S>
void resize(const ResizeCall<S>& call, std::int64_t begin, std::int64_t end,
            const ResizeScratch<S>& scratch) {
  using T = Wide<S>;
  const auto channels = call.channels;
  const auto width = call.x.size;
  for (auto index = begin; index < end; ++index) {
    const auto rows = find_rows(call, index, scratch);
    if (call.x_step == channels)
      add_rows<S>(scratch, rows, 0, call.width * channels, scratch.row);
    else
      for (std::int64_t x = 0; x < call.width; ++x)
        add_rows<S>(scratch, rows, x * call.x_step, channels, scratch.row + x * channels);
    S* const out = call.out + index * width * channels;
    if (channels == 1) {
      // Side by side in x, where the compiler gathers.
      T* __restrict const result = scratch.result;
      const T* __restrict const row = scratch.row;
      for (std::int64_t x = 0; x < width; ++x) result[x] = 0;
      for (std::int64_t t = 0; t < call.x.count; ++t) {
        const auto* const from = call.x.from + t * width;
        const auto* const weight = call.x.weight + t * width;
        for (std::int64_t x = 0; x < width; ++x) result[x] += weight[x] * row[from[x]];
      }
      for_each_register<T>(width, [&](std::int64_t i, auto lanes) {
        write(out + i, load(scratch.result + i), lanes);
      });
      continue;
    }
    for (std::int64_t x = 0; x < width; ++x)
      for_each_register<T>(channels, [&](std::int64_t c, auto lanes) {
        Vector<T> sum{};
        for (std::int64_t t = 0; t < call.x.count; ++t)
          sum += call.x.weight[t * width + x] *
                 load(scratch.row + call.x.from[t * width + x] * channels + c);
        write(out + x * channels + c, sum, lanes);
      });
  }
}

}  // namespace

extern const LinearResizeKernel COVECTOR_LINEAR_RESIZE_KERNEL = {&resize<float>, &resize<double>,
                                                                 &resize<BFloat16>};

}  // namespace covector::networks::ops::cpu
