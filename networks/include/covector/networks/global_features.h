#pragma once

#include "covector/core/method.h"
#include "covector/networks/heads.h"

#include <map>
#include <string>

namespace covector::networks {

/// What a network that embeds whole images makes of N of them.
struct GlobalFeatures {
  at::Tensor h;  // [N, C] mean of the backbone's coarsest level
  at::Tensor z;  // [N, width] the head's answer to h
};

/// @param image  [N, channels, *size]; only the encoder runs
COVECTOR_API GlobalFeatures global_features(Backbone& backbone, Head& head,
                                            const at::Tensor& image);

/// For Method::embed: "h" and "z" of the same samples in two views.
COVECTOR_API std::map<std::string, Embedding> embeddings_of(const GlobalFeatures& first,
                                                            const GlobalFeatures& second);

}  // namespace covector::networks
