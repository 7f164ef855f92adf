#pragma once

#include "covector/core/export.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

namespace covector::datasets {

/// Decoded volumes by name, shared between threads, the least recently used ones dropped when their
/// bytes exceed a budget. A volume that several threads ask for at once is decoded once, by the
/// first of them; the others wait. A volume larger than the budget is handed out and not kept.
class COVECTOR_API VolumeCache {
 public:
  explicit VolumeCache(std::int64_t budget_bytes);
  ~VolumeCache();

  /// @param decode  called without the cache's lock; what it throws reaches everyone who waits, and
  /// the
  ///   next call tries again
  at::Tensor get(const std::string& name, const std::function<at::Tensor()>& decode);
  /// Bytes held now.
  std::int64_t bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace covector::datasets
