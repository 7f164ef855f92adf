#include "propagation.h"

#include "covector/core/check.h"
#include "covector/losses/contrast.h"
#include "covector/losses/full_precision.h"

#include <torch/types.h>

namespace covector::pixpro {

at::Tensor propagate(const at::Tensor& x, const at::Tensor& values, double power, double clamp) {
  check_shape("x", x, {kAny, kAny, kAny});
  check_shape("values", values, {x.size(0), x.size(1), kAny});
  const losses::FullPrecision full_precision;
  const auto direction = losses::unit(x, 2);
  auto similarity = torch::matmul(direction, direction.transpose(1, 2)).clamp_min(clamp);
  if (power < 1) similarity = similarity + 1e-6;
  return torch::matmul(similarity.pow(power), losses::unit(values, 2));
}

at::Tensor consistency(const at::Tensor& y, const at::Tensor& z, const at::Tensor& near) {
  check_shape("y", y, {kAny, kAny, kAny});
  check_shape("z", z, {y.size(0), kAny, y.size(2)});
  check_shape("near", near, {y.size(0), y.size(1), z.size(1)});
  const losses::FullPrecision full_precision;
  // Summed over the partners first: no matrix of all pairs is kept for the gradient.
  const auto partners = torch::matmul(near.to(z.scalar_type()), z.detach());
  const auto count = near.sum({1, 2}).to(y.scalar_type());
  return -2 * ((y * partners).sum({1, 2}) / (count + 1e-6)).mean();
}

}  // namespace covector::pixpro
