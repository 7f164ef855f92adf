#include "covector/losses/consistency_loss.h"

#include "accumulate.h"
#include "cosine.h"
#include "covector/core/check.h"

#include <torch/types.h>

namespace covector::losses {

at::Tensor consistency_loss(const at::Tensor& f, const at::Tensor& g, const at::Tensor& mask,
                            EmptyMask empty) {
  check_shape("g", g, f.sizes());
  check_shape("mask", mask, one_channel(f));
  // The mean of 1 - cos, which is 0 and not 1 where no pixel counts.
  return masked_mean(1 - cosine(accumulated(f), accumulated(g), 1), mask, empty);
}

}  // namespace covector::losses
