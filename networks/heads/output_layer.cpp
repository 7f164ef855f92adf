#include "covector/networks/output_layer.h"

#include "covector/core/error.h"

namespace covector::networks {

std::shared_ptr<Conv> output_layer(const Backbone& backbone, std::int64_t channels,
                                   const std::string& method) {
  if (const auto stride = backbone.strides().back(); stride != 1)
    throw RecipeError("[backbone] the finest level has stride " + std::to_string(stride) +
                      "; method '" + method + "' restores voxels and needs stride 1");
  return std::make_shared<Conv>(backbone.dimensions(), backbone.channels().back(), channels, 1);
}

}  // namespace covector::networks
