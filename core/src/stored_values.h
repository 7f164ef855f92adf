#pragma once

#include <cstdint>

namespace covector {

/// to[i] = from[i] / steps: the whole of a window comes this way each time it is shown, so it is
/// done with the widest vectors the processor has.
void from_steps(const std::uint8_t* from, float* to, std::int64_t count, float steps);
void from_steps(const std::uint16_t* from, float* to, std::int64_t count, float steps);

}  // namespace covector
