#include "stored_values.h"

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define COVECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define COVECTOR_CLONES
#endif

namespace covector {
namespace {

template <class Stored>
[[gnu::always_inline]] inline void divided(const Stored* __restrict from, float* __restrict to,
                                           std::int64_t count, float steps) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<float>(from[i]) / steps;
}

}  // namespace

COVECTOR_CLONES void from_steps(const std::uint8_t* from, float* to, std::int64_t count,
                                float steps) {
  divided(from, to, count, steps);
}

COVECTOR_CLONES void from_steps(const std::uint16_t* from, float* to, std::int64_t count,
                                float steps) {
  divided(from, to, count, steps);
}

}  // namespace covector
