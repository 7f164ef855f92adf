#pragma once

#include <ATen/Version.h>

namespace covector::kernels {

/// Of loops compiled once an instruction set, those for LibTorch's own choice, so that
/// ATEN_CPU_CAPABILITY holds here as well.
template <class Kernel>
const Kernel& chosen(const Kernel& plain, const Kernel& avx2, const Kernel& avx512) {
  static const auto capability = at::get_cpu_capability();
  return capability == "AVX512" ? avx512 : capability == "AVX2" ? avx2 : plain;
}

}  // namespace covector::kernels
