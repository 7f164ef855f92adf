#include "covector/losses/masked_mean.h"

#include "accumulate.h"
#include "covector/core/check.h"

#include <torch/types.h>

namespace covector::losses {

at::Tensor masked_mean(const at::Tensor& values, const at::Tensor& mask, EmptyMask empty) {
  check_shape("mask", mask, one_channel(values));
  check_shape("values", values, mask.sizes());
  const auto wide = accumulated(values);
  const auto weight = mask.to(wide.scalar_type());
  const auto sum = (wide * weight).sum();
  const auto count = weight.sum();
  // An empty mask makes the sum 0 with zero gradient; only the divisor has to be kept from 0.
  return sum / (empty == EmptyMask::zero ? torch::where(count == 0, 1, count) : count);
}

at::Tensor empty_masks(const at::Tensor& mask) {
  return mask.flatten(1).any(1).logical_not().sum();
}

}  // namespace covector::losses
