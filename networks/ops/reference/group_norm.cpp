#include "ops/group_norm.h"

#include <torch/library.h>
#include <torch/types.h>

namespace covector::networks::ops::reference {
namespace {

std::int64_t voxels(const at::Tensor& x) {
  const auto sides = x.sizes().slice(2);
  return c10::multiply_integers(sides);
}

// LibTorch's operators below want one dtype and, on CUDA, contiguous maps.
at::Tensor prepared(const at::Tensor& x, const at::Tensor& input) {
  return x.to(computed_in(input.scalar_type())).contiguous();
}

// `like` tells dtype and layout.
at::Tensor as(const at::Tensor& x, const at::Tensor& like) {
  return at::empty_like(like).copy_(x);
}

}  // namespace

NormForward group_norm(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                       std::int64_t groups, double eps, double slope) {
  const auto [y, mean, rstd] =
      at::native_group_norm(prepared(input, input), prepared(weight, input), prepared(bias, input),
                            input.size(0), input.size(1), voxels(input), groups, eps);
  return {as(at::leaky_relu(y, slope), input), mean, rstd};
}

NormBackward group_norm_backward(const at::Tensor& grad, const at::Tensor& input,
                                 const at::Tensor& weight, const at::Tensor& bias,
                                 const at::Tensor& mean, const at::Tensor& rstd,
                                 std::int64_t groups, double slope) {
  const auto x = prepared(input, input);
  const auto w = prepared(weight, input);
  auto by_group = x.sizes().vec();
  const auto each = by_group[1] / groups;
  by_group.insert(by_group.begin() + 1, groups);
  by_group[2] = each;
  std::vector<std::int64_t> of_group(by_group.size(), 1);
  of_group[0] = by_group[0];
  of_group[1] = groups;
  std::vector<std::int64_t> of_channel(x.dim(), 1);
  of_channel[1] = x.size(1);
  const auto normal =
      ((x.view(by_group) - mean.view(of_group)) * rstd.view(of_group)).view(x.sizes());
  const auto y = normal * w.view(of_channel) + prepared(bias, input).view(of_channel);
  const auto dense = prepared(grad, input);
  const auto [grad_x, grad_w, grad_b] =
      at::native_group_norm_backward(at::where(y > 0, dense, dense * slope), x, mean, rstd, w,
                                     x.size(0), x.size(1), voxels(x), groups, {true, true, true});
  return {as(grad_x, input), as(grad_w, weight), as(grad_b, bias)};
}

}  // namespace covector::networks::ops::reference

// For every device without a kernel of its own.
TORCH_LIBRARY_IMPL(covector, CompositeExplicitAutograd, library) {
  namespace reference = covector::networks::ops::reference;
  library.impl("group_norm", &reference::group_norm);
  library.impl("group_norm_backward", &reference::group_norm_backward);
}
