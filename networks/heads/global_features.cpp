#include "covector/networks/global_features.h"

#include "covector/networks/pooling.h"

namespace covector::networks {

GlobalFeatures global_features(Backbone& backbone, Head& head, const at::Tensor& image) {
  const auto h = pool_global(backbone.encode(image));
  return {h, head.forward(h)};
}

std::map<std::string, Embedding> embeddings_of(const GlobalFeatures& first,
                                               const GlobalFeatures& second) {
  return {{"h", {first.h, second.h}}, {"z", {first.z, second.z}}};
}

}  // namespace covector::networks
