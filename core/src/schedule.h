#pragma once

#include "covector/core/registry.h"

#include <cstdint>
#include <string_view>
#include <tuple>

namespace covector {

/// The learning rate over a run. Every schedule begins with `warmup_steps` steps of a linear rise:
/// step k < w has (k + 1) / w times the rate it rises to.
class COVECTOR_API Schedule {
 public:
  static constexpr std::string_view kind = "schedule";
  using CreateArgs = std::tuple<>;
  virtual ~Schedule();

  /// @param base   learning rate of the optimiser
  /// @param step   0 for the first step
  /// @param total  steps of the run
  double rate(double base, std::int64_t step, std::int64_t total) const;

 protected:
  explicit Schedule(std::int64_t warmup_steps) : warmup_steps_(warmup_steps) {}
  /// The rate `step` steps after the warm-up, which leaves `total`.
  virtual double after_warmup(double base, std::int64_t step, std::int64_t total) const = 0;
  std::int64_t warmup_steps_;
};

/// "constant", "cosine" and "step".
COVECTOR_API Registry<Schedule> schedules();

}  // namespace covector
