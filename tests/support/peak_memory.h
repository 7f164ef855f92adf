#pragma once

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

namespace covector::testing {

/// The largest number of bytes that CPU tensors held at one time while `act` ran, of what it
/// allocated: its result, what it kept for a gradient and what it needed in between. Memory that
/// was there before counts neither while it is held nor when it is given back.
inline std::int64_t peak_bytes(const std::function<void()>& act) {
  struct Meter final : c10::MemoryReportingInfoBase {
    void reportMemoryUsage(void* /*data*/, std::int64_t change, std::size_t /*allocated*/,
                           std::size_t /*reserved*/, c10::Device device) override {
      if (!device.is_cpu()) return;
      const std::scoped_lock lock(mutex);
      held += change;
      peak = std::max(peak, held);
    }
    bool memoryProfilingEnabled() const override { return true; }

    std::mutex mutex;
    std::int64_t held = 0;
    std::int64_t peak = 0;
  };
  const auto meter = std::make_shared<Meter>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, meter);
  act();
  return meter->peak;
}

}  // namespace covector::testing
