#pragma once

#include "kernels/numbers.h"

#include <c10/core/ScalarType.h>

#include <type_traits>

namespace covector::kernels {

/// What numbers of a dtype are computed in: float64 for float64, else float32.
inline at::ScalarType computed_in(at::ScalarType dtype) {
  return dtype == at::kDouble ? at::kDouble : at::kFloat;
}

/// Calls visit with a number of the type that the loops know a dtype by; false if they know none.
template <class Visit>
bool with_type(at::ScalarType dtype, const Visit& visit) {
  switch (dtype) {
    case at::kFloat:
      visit(float());
      return true;
    case at::kDouble:
      visit(double());
      return true;
    case at::kBFloat16:
      visit(BFloat16());
      return true;
    default:
      return false;
  }
}

/// The loops of a kernel for numbers of one type.
template <class S, class Kernel>
const auto& of_type(const Kernel& kernel) {
  if constexpr (std::is_same_v<S, float>)
    return kernel.f32;
  else if constexpr (std::is_same_v<S, double>)
    return kernel.f64;
  else
    return kernel.bf16;
}

}  // namespace covector::kernels
