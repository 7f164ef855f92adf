#pragma once

#include "covector/core/backbone.h"
#include "covector/networks/blocks.h"

#include <memory>
#include <string>

namespace covector::networks {

/// The 1x1 convolution that makes an image of a backbone's finest map; starts as PyTorch's does.
/// @param channels  of the image
/// @param method    named in the error
/// @throws          RecipeError "[backbone] the finest level has stride 4; method 'denoising'
///                  restores voxels and needs stride 1"
COVECTOR_API std::shared_ptr<Conv> output_layer(const Backbone& backbone, std::int64_t channels,
                                                const std::string& method);

}  // namespace covector::networks
