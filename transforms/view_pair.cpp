#include "covector/transforms/view_pair.h"

namespace covector::transforms {

ContrastiveChain pair_chain(const ViewPairOptions& options, const std::vector<std::int64_t>& size) {
  if (options.augmentation == "chest_xray") return chest_xray_chain(size);
  auto chain = global_chain(size);
  chain.min_share = options.min_share.value_or(chain.min_share);
  chain.strength = options.strength.value_or(chain.strength);
  chain.quarter_turn_probability = options.quarter_turns;
  return chain;
}

std::vector<ViewSpec> view_pair(const ViewPairOptions& options, const ContrastiveChain& first,
                                const ContrastiveChain& second) {
  return {{.name = "first", .chain = chain_of(first), .copies = options.crops},
          {.name = "second", .chain = chain_of(second), .copies = options.crops}};
}

}  // namespace covector::transforms
