#include "covector/losses/vector_loss.h"

#include "accumulate.h"
#include "covector/core/check.h"

#include <torch/types.h>

namespace covector::losses {

at::Tensor vector_loss(const at::Tensor& predicted, const at::Tensor& target,
                       const at::Tensor& mask, EmptyMask empty) {
  check_shape("target", target, predicted.sizes());
  check_shape("mask", mask, one_channel(predicted));
  const auto distance = (accumulated(predicted) - accumulated(target)).abs().sum(1, true);
  return masked_mean(distance, mask, empty);
}

}  // namespace covector::losses
