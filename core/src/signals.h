#pragma once

#include "covector/core/export.h"

namespace covector {

/// While it lives, SIGTERM, SIGINT and SIGUSR1 are noted instead of ending the process. One at a
/// time; those before are put back.
class COVECTOR_API Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// 128 + the number of the signal that asks the run to stop (143, 130), else 0. Stays.
  int stop_code() const;
  /// True once for each time SIGUSR1 asked for a checkpoint.
  bool take_checkpoint_request();
};

}  // namespace covector
