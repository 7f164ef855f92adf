#include "ops/group_norm.h"

#include "ops/cuda/group_norm_kernel.h"

#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>
#include <torch/types.h>

namespace covector::networks::ops::cuda {
namespace {

NormGrid grid_of(const at::Tensor& x, std::int64_t groups) {
  return {x.size(0), x.size(1), groups, x.numel() / (x.size(0) * x.size(1)), !x.is_contiguous()};
}

// What is computed in, of every channel.
at::Tensor wide(const at::Tensor& of_channels, const at::Tensor& x) {
  return of_channels.to(computed_in(x.scalar_type())).contiguous();
}

template <class S>
void forward(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps,
             double slope, const NormForward& to) {
  using T = Wide<S>;
  const auto& [out, mean, rstd] = to;
  const auto grid = grid_of(x, mean.size(1));
  const auto parts =
      at::empty({mean.numel(), group_chunks(grid), 2}, x.options().dtype(at::kDouble));
  const auto w = wide(weight, x);
  const auto b = wide(bias, x);
  const ForwardNormCall<S> call{grid,
                                static_cast<const S*>(x.const_data_ptr()),
                                w.const_data_ptr<T>(),
                                b.const_data_ptr<T>(),
                                eps,
                                static_cast<T>(slope),
                                parts.data_ptr<double>(),
                                mean.data_ptr<T>(),
                                rstd.data_ptr<T>(),
                                static_cast<S*>(out.data_ptr())};
  C10_CUDA_CHECK(start(call, c10::cuda::getCurrentCUDAStream()));
}

template <class S>
void backward(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& weight,
              const at::Tensor& bias, const at::Tensor& mean, const at::Tensor& rstd, double slope,
              const NormBackward& to) {
  using T = Wide<S>;
  const auto grid = grid_of(x, mean.size(1));
  const auto doubles = x.options().dtype(at::kDouble);
  const auto parts = at::empty({x.size(0), x.size(1), channel_chunks(grid), 2}, doubles);
  const auto sums = at::empty({x.size(0), x.size(1), 2}, doubles);
  const auto slant = at::empty_like(mean);
  const auto offset = at::empty_like(mean);
  const auto w = wide(weight, x);
  const auto b = wide(bias, x);
  const auto grad_weight = at::empty_like(w);
  const auto grad_bias = at::empty_like(b);
  const BackwardNormCall<S> call{grid,
                                 static_cast<const S*>(x.const_data_ptr()),
                                 static_cast<const S*>(grad.const_data_ptr()),
                                 w.const_data_ptr<T>(),
                                 b.const_data_ptr<T>(),
                                 mean.const_data_ptr<T>(),
                                 rstd.const_data_ptr<T>(),
                                 static_cast<T>(slope),
                                 parts.data_ptr<double>(),
                                 sums.data_ptr<double>(),
                                 slant.data_ptr<T>(),
                                 offset.data_ptr<T>(),
                                 static_cast<S*>(std::get<0>(to).data_ptr()),
                                 grad_weight.data_ptr<T>(),
                                 grad_bias.data_ptr<T>()};
  C10_CUDA_CHECK(start(call, c10::cuda::getCurrentCUDAStream()));
  std::get<1>(to).copy_(grad_weight);
  std::get<2>(to).copy_(grad_bias);
}

NormForward group_norm(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                       std::int64_t groups, double eps, double slope) {
  const c10::cuda::CUDAGuard device(input.device());
  const auto x = dense(input);
  const auto options = x.options().dtype(computed_in(x.scalar_type()));
  const NormForward to{at::empty_like(x), at::zeros({x.size(0), groups}, options),
                       at::zeros({x.size(0), groups}, options)};
  if (x.numel() == 0) return to;
  const bool known = kernels::with_type(x.scalar_type(), [&](auto type) {
    forward<decltype(type)>(x, weight, bias, eps, slope, to);
  });
  return known ? to : reference::group_norm(input, weight, bias, groups, eps, slope);
}

NormBackward group_norm_backward(const at::Tensor& grad, const at::Tensor& input,
                                 const at::Tensor& weight, const at::Tensor& bias,
                                 const at::Tensor& mean, const at::Tensor& rstd,
                                 std::int64_t groups, double slope) {
  const c10::cuda::CUDAGuard device(input.device());
  const auto x = dense(input);
  const NormBackward to{at::empty_like(x), at::zeros_like(weight), at::zeros_like(bias)};
  if (x.numel() == 0) return to;
  const auto g = x.is_contiguous() ? grad.contiguous() : grad.contiguous(x.suggest_memory_format());
  const bool known = kernels::with_type(x.scalar_type(), [&](auto type) {
    backward<decltype(type)>(g, x, weight, bias, mean, rstd, slope, to);
  });
  return known
             ? to
             : reference::group_norm_backward(grad, input, weight, bias, mean, rstd, groups, slope);
}

}  // namespace
}  // namespace covector::networks::ops::cuda

TORCH_LIBRARY_IMPL(covector, CUDA, library) {
  namespace cuda = covector::networks::ops::cuda;
  library.impl("group_norm", &cuda::group_norm);
  library.impl("group_norm_backward", &cuda::group_norm_backward);
}
