#pragma once

#include "covector/core/export.h"

#include <torch/nn/module.h>

#include <functional>
#include <string>

namespace covector::networks {

/// Training mode for the parts of a network that learn and evaluation mode for the others, which
/// then leave nothing out at random, and whose batch normalisation uses its running statistics and
/// does not move them. A part without parameters and buffers goes with what it is part of.
/// @param learns  whether the parameter or buffer of this name is in a part that learns
COVECTOR_API void train_parts(torch::nn::Module& network,
                              const std::function<bool(const std::string&)>& learns);

}  // namespace covector::networks
