#include "covector/transforms/corruption/boxes.h"

#include "per_sample.h"

#include <cmath>

namespace covector::transforms {

std::int64_t share_of(double share, std::int64_t length) {
  return static_cast<std::int64_t>(std::floor(share * static_cast<double>(length) + 1e-9));
}

Box draw_box(const std::string& part, const BoxRule& rule, const std::vector<std::int64_t>& size,
             RandomStream& stream) {
  Box box;
  for (std::size_t axis = 0; axis < size.size(); ++axis)
    box.size.push_back(rule.least[axis] +
                       stream.integer(rule.largest[axis] - rule.least[axis] + 1));
  for (std::size_t axis = 0; axis < size.size(); ++axis) {
    const auto room = size[axis] - box.size[axis] - 2 * rule.margin + 1;
    if (room < 1)
      throw RecipeError(part + ": a view of " + text_of(size) + " has no room for a box of " +
                        text_of(box.size) + " with a margin of " + std::to_string(rule.margin) +
                        "; make the boxes or 'margin' smaller or the views larger");
    box.begin.push_back(rule.margin + stream.integer(room));
  }
  return box;
}

at::Tensor box_mask(const std::vector<std::vector<Box>>& boxes,
                    const std::vector<std::int64_t>& size) {
  std::vector<std::int64_t> shape = {static_cast<std::int64_t>(boxes.size()), 1};
  shape.insert(shape.end(), size.begin(), size.end());
  const auto mask = torch::zeros(shape, torch::kBool);
  for (std::size_t n = 0; n < boxes.size(); ++n)
    for (const auto& box : boxes[n]) {
      auto inside = mask[static_cast<std::int64_t>(n)];
      for (std::size_t axis = 0; axis < size.size(); ++axis)
        inside =
            inside.narrow(static_cast<std::int64_t>(axis) + 1, box.begin[axis], box.size[axis]);
      inside.fill_(true);
    }
  return mask;
}

}  // namespace covector::transforms
