#include "covector/networks/frozen.h"

#include <algorithm>

namespace covector::networks {

void train_parts(torch::nn::Module& network,
                 const std::function<bool(const std::string&)>& learns) {
  // From the outside in, so that a part that learns inside one that does not has the last word.
  for (const auto& module : network.named_modules()) {
    const auto prefix = module.key().empty() ? "" : module.key() + ".";
    auto tensors = module.value()->named_parameters().keys();
    for (const auto& name : module.value()->named_buffers().keys()) tensors.push_back(name);
    if (tensors.empty()) continue;
    module.value()->train(std::any_of(tensors.begin(), tensors.end(),
                                      [&](const auto& name) { return learns(prefix + name); }));
  }
}

}  // namespace covector::networks
