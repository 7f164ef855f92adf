#include "covector/transforms/image_pair.h"

#include "covector/core/error.h"

namespace covector::transforms {
namespace {

Parts shared(const Parts& parts) {
  auto out = parts;
  for (auto& element : out) element.set("shared", true);
  return out;
}

std::string text_of_size(const std::vector<std::int64_t>& size) {
  return to_toml(OptionArray(size.begin(), size.end()));
}

}  // namespace

Parts house_damage(std::int64_t dimensions) {
  const bool plane = dimensions == 2;
  const double window = plane ? 1.0 / 30 : 1.0 / 20;
  const OptionArray box = plane ? OptionArray{1.0 / 20, 1.0 / 10} : OptionArray{1.0 / 10, 1.0 / 5};
  return {part("local_shuffle", {{"side", OptionArray{window, window}},
                                 {"windows", plane ? 1000 : 5000},
                                 {"permutation", "shared"},
                                 {"probability", 0.8}}),
          part("intensity_map", {{"decreasing", 0.0}, {"probability", 0.9}}),
          part("inpaint", {{"boxes", plane ? 10 : 30}, {"side", box}})};
}

std::vector<ViewSpec> image_pair(const ImagePair& pair) {
  auto moved = shared(pair.moved);
  moved.push_back(
      part("crop", {{"size", OptionArray(pair.size.begin(), pair.size.end())}, {"shared", true}}));
  for (auto& element : shared(pair.moved_after)) moved.push_back(std::move(element));
  auto damaged = pair.damage;
  damaged.insert(damaged.end(), moved.begin(), moved.end());
  return {{.name = "a", .chain = moved, .image = 0, .phase = ""},
          {.name = "b", .chain = moved, .image = 1, .phase = pair.pair_phase},
          {.name = "damaged", .chain = damaged, .image = 0, .phase = pair.damaged_phase}};
}

void check_one_size(const std::string& method, const Views& views) {
  const auto& [name, first] = *views.begin();
  for (const auto& [other, view] : views)
    if (view.size() != first.size())
      throw RecipeError("[views] '" + name + "' ends with size " + text_of_size(first.size()) +
                        ", '" + other + "' with " + text_of_size(view.size()) + "; method '" +
                        method + "' needs one size");
}

}  // namespace covector::transforms
