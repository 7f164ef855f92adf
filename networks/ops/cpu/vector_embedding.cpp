#include "ops/cpu/vector_embedding_kernel.h"

#include "kernels/capability.h"
#include "ops/vector_embedding_binding.h"

#include <ATen/Parallel.h>
#include <torch/library.h>
#include <torch/types.h>

#include <vector>

namespace covector::networks::ops::cpu {

using kernels::chosen;
namespace {

const VectorEmbeddingKernel& kernel() {
#ifdef COVECTOR_X86
  return chosen(kVectorEmbeddingDefault, kVectorEmbeddingAvx2, kVectorEmbeddingAvx512);
#else
  return kVectorEmbeddingDefault;
#endif
}

template <class T>
const Loops<T>& loops() {
  if constexpr (std::is_same_v<T, float>)
    return kernel().f32;
  else
    return kernel().f64;
}

// Runs `rows` on the rows of a grid, in parallel, each thread with `scratch` numbers of its own.
template <class T, class Call>
void run_rows(void (*rows)(const Call&, std::int64_t, std::int64_t, T*), const Call& call,
              std::int64_t scratch) {
  const auto& grid = call.grid;
  const auto count = grid.batch * grid.groups * grid.depth * grid.height;
  at::parallel_for(0, count, 4, [&](std::int64_t begin, std::int64_t end) {
    std::vector<T> own(scratch);
    rows(call, begin, end, own.data());
  });
}

struct Cpu {
  template <class T>
  static void run(const ForwardCall<T>& call) {
    run_rows<T>(loops<T>().forward, call, forward_scratch(call.grid));
  }
  template <class T>
  static void run(const BackwardCall<T>& call) {
    run_rows<T>(loops<T>().backward, call, backward_scratch(call.grid));
  }
};

}  // namespace
}  // namespace covector::networks::ops::cpu

TORCH_LIBRARY_IMPL(covector, CPU, library) {
  namespace ops = covector::networks::ops;
  using Binding = ops::VectorEmbeddingBinding<ops::cpu::Cpu>;
  library.impl("vector_embedding", &Binding::forward);
  library.impl("vector_embedding_backward", &Binding::backward);
}
