#include "ops/linear_resize.h"

#include "kernels/dtype.h"
#include "ops/cuda/linear_resize_kernel.h"
#include "ops/linear_resize_maps.h"

#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>
#include <torch/types.h>

namespace covector::networks::ops::cuda {
namespace {

ResizeAxis axis_of(std::int64_t in, std::int64_t out, bool align_corners) {
  const auto gaps = [](std::int64_t n) { return static_cast<double>(n - 1); };
  const auto step = align_corners ? (out > 1 ? gaps(in) / gaps(out) : 0)
                                  : static_cast<double>(in) / static_cast<double>(out);
  return {in, out, step, align_corners};
}

template <class S>
void run(const at::Tensor& x, const at::Tensor& out, bool align_corners, bool transposed) {
  ResizeCall<S> call{};
  const auto missing = 5 - x.dim();
  for (std::int64_t k = 0; k < 3; ++k) {
    const auto mine = k - missing + 2;
    const auto from = mine < 2 ? 1 : x.size(mine);
    const auto to = mine < 2 ? 1 : out.size(mine);
    call.axes[k] = transposed ? axis_of(to, from, align_corners) : axis_of(from, to, align_corners);
    call.steps[k] = mine < 2 ? 0 : x.stride(mine);
  }
  call.samples = x.size(0);
  call.channels = x.size(1);
  call.sample_step = x.stride(0);
  call.channel_step = x.stride(1);
  call.channels_last = channels_inside(x);
  call.transposed = transposed;
  call.source = static_cast<const S*>(x.const_data_ptr());
  call.result = static_cast<S*>(out.data_ptr());
  C10_CUDA_CHECK(start(call, c10::cuda::getCurrentCUDAStream()));
}

// Undefined where there is no kernel.
at::Tensor resized(const at::Tensor& x, at::IntArrayRef size, bool align_corners, bool transposed) {
  const c10::cuda::CUDAGuard device(x.device());
  const auto out = empty_resized(x, size);
  if (out.numel() == 0 || x.numel() == 0) return {};
  const bool known = kernels::with_type(
      x.scalar_type(), [&](auto type) { run<decltype(type)>(x, out, align_corners, transposed); });
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
}  // namespace covector::networks::ops::cuda

TORCH_LIBRARY_IMPL(covector, CUDA, library) {
  namespace cuda = covector::networks::ops::cuda;
  library.impl("linear_resize", &cuda::linear_resize);
  library.impl("linear_resize_backward", &cuda::linear_resize_backward);
}
