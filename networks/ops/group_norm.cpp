#include "ops/group_norm.h"

#include "covector/core/check.h"
#include "covector/networks/group_norm.h"

#include <torch/library.h>
#include <torch/types.h>

#include <stdexcept>
#include <string>

TORCH_LIBRARY_FRAGMENT(covector, library) {
  library.def(
      "group_norm(Tensor input, Tensor weight, Tensor bias, int groups, float eps, float slope)"
      " -> (Tensor out, Tensor mean, Tensor rstd)");
  library.def(
      "group_norm_backward(Tensor grad, Tensor input, Tensor weight, Tensor bias, Tensor mean,"
      " Tensor rstd, int groups, float slope) -> (Tensor, Tensor, Tensor)");
}

namespace covector::networks {
namespace ops {

NormForward group_norm(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                       std::int64_t groups, double eps, double slope) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("covector::group_norm", "")
                             .typed<NormForward(const at::Tensor&, const at::Tensor&,
                                                const at::Tensor&, std::int64_t, double, double)>();
  return op.call(input, weight, bias, groups, eps, slope);
}

NormBackward group_norm_backward(const at::Tensor& grad, const at::Tensor& input,
                                 const at::Tensor& weight, const at::Tensor& bias,
                                 const at::Tensor& mean, const at::Tensor& rstd,
                                 std::int64_t groups, double slope) {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("covector::group_norm_backward", "")
          .typed<NormBackward(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                              const at::Tensor&, const at::Tensor&, const at::Tensor&, std::int64_t,
                              double)>();
  return op.call(grad, input, weight, bias, mean, rstd, groups, slope);
}

at::Tensor dense(const at::Tensor& x) {
  return x.is_contiguous() ? x : x.contiguous(x.suggest_memory_format());
}

}  // namespace ops

namespace {

void check_scale(const char* name, const at::Tensor& scale, const at::Tensor& x) {
  check_shape(name, scale, {x.size(1)});
  if (scale.device() != x.device())
    throw std::invalid_argument("x is on " + x.device().str() + ", " + name + " on " +
                                scale.device().str());
  if (scale.scalar_type() != x.scalar_type() &&
      scale.scalar_type() != ops::computed_in(x.scalar_type()))
    throw std::invalid_argument(std::string(name) + ": expected " + c10::toString(x.scalar_type()) +
                                " as x, got " + c10::toString(scale.scalar_type()));
}

void check(const at::Tensor& x, std::int64_t groups, const at::Tensor& weight,
           const at::Tensor& bias, double eps) {
  if (x.dim() < 2 || !x.is_floating_point())
    throw std::invalid_argument("x: expected [N, C, ...] in floating point, got " +
                                std::to_string(x.dim()) + " axes of " +
                                c10::toString(x.scalar_type()));
  check_scale("weight", weight, x);
  check_scale("bias", bias, x);
  if (groups < 1 || x.size(1) % groups != 0)
    throw std::invalid_argument("groups: " + std::to_string(groups) + " does not divide the " +
                                std::to_string(x.size(1)) + " channels");
  if (!(eps >= 0))
    throw std::invalid_argument("eps: expected at least 0, got " + std::to_string(eps));
}

}  // namespace

at::Tensor group_norm(const at::Tensor& x, std::int64_t groups, const at::Tensor& weight,
                      const at::Tensor& bias, double eps, double slope) {
  check(x, groups, weight, bias, eps);
  return std::get<0>(ops::group_norm(x, weight, bias, groups, eps, slope));
}

}  // namespace covector::networks
