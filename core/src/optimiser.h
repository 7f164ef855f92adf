#pragma once

#include "covector/core/registry.h"

#include <ATen/core/Tensor.h>

#include <string_view>
#include <tuple>
#include <vector>

namespace covector {

/// Updates a list of parameters from their gradients. Parameters without a gradient are left as
/// they are, and their counters too. Weight decay is the L2 form: it is added to the gradient.
class COVECTOR_API Optimiser {
 public:
  static constexpr std::string_view kind = "optimiser";
  using CreateArgs = std::tuple<std::vector<at::Tensor>>;

  explicit Optimiser(std::vector<at::Tensor> parameters);
  virtual ~Optimiser();

  /// The learning rate that a schedule starts from.
  virtual double base_rate() const = 0;
  /// Gradients are scaled down so that their global norm is at most this; 0: as they are.
  virtual double clip_norm() const = 0;
  virtual void update(double rate) = 0;
  /// What a checkpoint carries: tensors in an order that depends on the parameters alone, one list
  /// of them for all parameters after the other.
  virtual std::vector<at::Tensor> state() const = 0;

  const std::vector<at::Tensor>& parameters() const { return parameters_; }
  /// Forgets what it has gathered about a parameter, which holds new values.
  void restart(const at::Tensor& parameter);

  /// Clips, updates at this learning rate and clears the gradients.
  /// @returns  the global norm of the gradients before clipping: scalar on their device
  at::Tensor step(double rate);

 protected:
  /// Positions of the parameters that have a gradient.
  std::vector<std::size_t> with_gradient() const;
  std::vector<at::Tensor> parameters_;
};

/// Global L2 norm of some tensors, and, when max_norm > 0, their scaling in place by
/// min(1, max_norm / (norm + 1e-6)). No host synchronisation.
COVECTOR_API at::Tensor clip_norm_(const std::vector<at::Tensor>& tensors, double max_norm);

/// "adam" and "sgd".
COVECTOR_API Registry<Optimiser> optimisers();

}  // namespace covector
