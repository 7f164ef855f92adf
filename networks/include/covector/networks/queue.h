#pragma once

#include "covector/core/export.h"

#include <torch/nn/module.h>

#include <vector>

namespace covector::networks {

/// The last `capacity` keys, oldest overwritten first, at a pointer that wraps around at any place.
/// Starts full of random unit rows. Both are buffers: a checkpoint carries them.
class COVECTOR_API Queue : public torch::nn::Module {
 public:
  Queue(std::int64_t capacity, std::int64_t width);
  ~Queue() override;

  const at::Tensor& keys() const { return keys_; }  // [capacity, width]
  std::int64_t pointer() const;                     // where the next key goes
  /// Puts rows [n, width] aside, without gradient, until store(): a step must not meet its own keys
  /// among its negatives.
  void hold(const at::Tensor& rows);
  /// Writes what was put aside, in that order. Of more rows than there is room for, the last stay.
  void store();

 private:
  at::Tensor keys_;
  at::Tensor pointer_;  // int64 scalar
  std::vector<at::Tensor> held_;
};

}  // namespace covector::networks
