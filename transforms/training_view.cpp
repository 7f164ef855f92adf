#include "covector/transforms/training_view.h"

namespace covector::transforms {

ViewSpec training_view(const std::vector<std::int64_t>& crop, bool light) {
  ViewSpec spec{"train", {}};
  if (light) spec.chain.push_back({{"type", "affine"}, {"degree", 0.5}});
  if (!crop.empty())
    spec.chain.push_back({{"type", "crop"}, {"size", OptionArray(crop.begin(), crop.end())}});
  if (light) {
    spec.chain.push_back({{"type", "contrast"}, {"factor", OptionArray{0.75, 1.25}}});
    spec.chain.push_back({{"type", "brightness"}, {"std", 0.05}});
  }
  return spec;
}

}  // namespace covector::transforms
