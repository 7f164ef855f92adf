#pragma once

#include <cstdint>

namespace covector::kernels {

/// The upper half of a float32.
struct BFloat16 {
  std::uint16_t bits;
};

/// What numbers of one type are computed in.
template <class S>
struct WideOf {
  using Type = S;
};
template <>
struct WideOf<BFloat16> {
  using Type = float;
};
template <class S>
using Wide = typename WideOf<S>::Type;

/// Lanes of the widest register of any instruction set.
inline constexpr std::int64_t kMostLanes = 16;

}  // namespace covector::kernels
