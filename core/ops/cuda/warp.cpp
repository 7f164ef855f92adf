#include "ops/cuda/warp_kernel.h"
#include "ops/warp_binding.h"

#include <ATen/Context.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

namespace covector::ops::cuda {
namespace {

struct Cuda {
  template <class Call>
  static void run(const Call& call) {
    C10_CUDA_CHECK(start(call, c10::cuda::getCurrentCUDAStream()));
  }
};

using Binding = WarpBinding<Cuda>;

at::Tensor warp(const at::Tensor& image, const at::Tensor& positions, const Reading& reading) {
  const c10::cuda::CUDAGuard device(image.device());
  return Binding::warp(image, positions, reading);
}

at::Tensor image_gradient(const at::Tensor& grad, const at::Tensor& image,
                          const at::Tensor& positions, const Reading& reading) {
  const c10::cuda::CUDAGuard device(image.device());
  if (at::globalContext().deterministicAlgorithms())
    return reference::warp_image_gradient_in_order(grad, image, positions, reading);
  return Binding::image_gradient(grad, image, positions, reading);
}

at::Tensor position_gradient(const at::Tensor& grad, const at::Tensor& image,
                             const at::Tensor& positions, const Reading& reading) {
  const c10::cuda::CUDAGuard device(image.device());
  return Binding::position_gradient(grad, image, positions, reading);
}

}  // namespace
}  // namespace covector::ops::cuda

TORCH_LIBRARY_IMPL(covector, CUDA, library) {
  namespace ops = covector::ops;
  namespace cuda = ops::cuda;
  library.impl("warp", &ops::unpacked<&cuda::warp>);
  library.impl("warp_image_gradient", &ops::unpacked_gradient<&cuda::image_gradient>);
  library.impl("warp_position_gradient", &ops::unpacked_gradient<&cuda::position_gradient>);
}
