#pragma once

#include "covector/core/export.h"

#include <c10/core/Device.h>

#include <chrono>
#include <map>
#include <string>

namespace covector {

/// Seconds by part of the work. Waits for the device at each lap, so it is for measuring only.
class COVECTOR_API Stopwatch {
 public:
  explicit Stopwatch(c10::Device device);
  /// Adds the time since the last lap, or since start(), to a part.
  void lap(const std::string& part);
  void start();
  /// Forgets all parts and starts.
  void reset();
  /// Of all laps of a part; 0 where there was none.
  double seconds(const std::string& part) const;

 private:
  using Clock = std::chrono::steady_clock;
  c10::Device device_;
  Clock::time_point last_;
  std::map<std::string, double> seconds_;
};

}  // namespace covector
