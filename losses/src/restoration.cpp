#include "covector/losses/restoration.h"

#include "accumulate.h"
#include "covector/core/check.h"

#include <torch/types.h>

namespace covector::losses {
namespace {

at::Tensor difference(const at::Tensor& restored, const at::Tensor& clean) {
  check_shape("restored image", restored, clean.sizes());
  return accumulated(restored) - accumulated(clean);
}

}  // namespace

at::Tensor squared_error(const at::Tensor& restored, const at::Tensor& clean) {
  return difference(restored, clean).square().mean(1, true);
}

at::Tensor absolute_error(const at::Tensor& restored, const at::Tensor& clean) {
  return difference(restored, clean).abs().mean(1, true);
}

at::Tensor cross_entropy_error(const at::Tensor& logits, const at::Tensor& clean) {
  check_shape("logits", logits, clean.sizes());
  const auto wide = accumulated(logits);
  return at::binary_cross_entropy_with_logits(wide, clean.to(wide.scalar_type()), {}, {},
                                              at::Reduction::None)
      .mean(1, true);
}

at::Tensor emphasised_mean(const at::Tensor& error, const at::Tensor& mask, double inside,
                           double outside) {
  check_shape("mask", mask, error.sizes());
  const auto weight = mask.to(error.scalar_type()) * (inside - outside) + outside;
  return (weight * error).mean();
}

at::Tensor psnr(const at::Tensor& mean_squared_error) {
  return -10 * mean_squared_error.log10();
}

}  // namespace covector::losses
