#pragma once

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>

namespace covector::testing {

/// Whether tensors can be put on a GPU here. Opens LibTorch's CUDA backend where there is one, as
/// the program does.
inline bool has_gpu() {
  dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);
  return at::hasCUDA() && at::detail::getCUDAHooks().deviceCount() > 0;
}

}  // namespace covector::testing
