#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

namespace covector::networks {

/// Mean and deviation of each channel over maps or rows seen one after the other.
class COVECTOR_API ChannelStatistics {
 public:
  /// @param features  [N, C] or [N, C, *size], always of the same C and device
  void add(const at::Tensor& features);
  bool empty() const { return count_ == 0; }
  /// [C] float64. Throws std::logic_error when empty.
  at::Tensor mean() const;
  /// [C] float64, over all rows or voxels (divided by their number). A channel whose spread is
  /// rounding alone, below 1e-6 of its mean, is constant: its deviation is 1, so that
  /// standardised() makes it 0 and not noise.
  at::Tensor deviation() const;

 private:
  at::Tensor sum_, squares_;  // float64: the mean of a feature may be large against its spread
  std::int64_t count_ = 0;
};

/// (features - mean) / deviation, channel by channel.
/// @param features         [N, C] or [N, C, *size]
/// @param mean, deviation  [C]
COVECTOR_API at::Tensor standardised(const at::Tensor& features, const at::Tensor& mean,
                                     const at::Tensor& deviation);

}  // namespace covector::networks
