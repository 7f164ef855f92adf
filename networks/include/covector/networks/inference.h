#pragma once

#include "covector/core/export.h"

#include <c10/core/GradMode.h>
#include <torch/nn/module.h>

namespace covector::networks {

/// For its life no gradient is recorded and the module is in evaluation mode; then it is put back
/// into the mode it was found in.
class COVECTOR_API Inference {
 public:
  explicit Inference(torch::nn::Module& module);
  ~Inference();
  Inference(const Inference&) = delete;
  Inference& operator=(const Inference&) = delete;

 private:
  const c10::AutoGradMode no_grad_{false};
  torch::nn::Module& module_;
  bool was_training_;
};

}  // namespace covector::networks
