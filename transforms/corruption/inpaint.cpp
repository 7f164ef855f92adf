#include "covector/transforms/corruption/inpaint.h"

#include "per_sample.h"

#include <algorithm>
#include <cmath>

namespace covector::transforms {
namespace {

// floor(share * length), not one less where a product such as 3 / 30 * 70 rounds down.
std::int64_t part_of(double share, std::int64_t length) {
  return static_cast<std::int64_t>(std::floor(share * static_cast<double>(length) + 1e-9));
}

}  // namespace

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

std::vector<Box> draw_boxes(const InpaintOptions& options, const std::vector<std::int64_t>& size,
                            RandomStream& stream) {
  std::vector<Box> boxes;
  while (static_cast<std::int64_t>(boxes.size()) < options.boxes &&
         stream.bernoulli(options.go_on)) {
    Box box;
    for (const auto length : size) {
      const auto low = std::max<std::int64_t>(1, part_of(options.side[0], length));
      const auto high = std::max(low + 1, part_of(options.side[1], length));
      box.size.push_back(low + stream.integer(high - low));
    }
    for (std::size_t axis = 0; axis < size.size(); ++axis) {
      const auto room = size[axis] - box.size[axis] - 2 * options.margin + 1;
      if (room < 1)
        throw RecipeError("inpaint: a view of " + text_of(size) + " has no room for a box of " +
                          text_of(box.size) + " with a margin of " +
                          std::to_string(options.margin) +
                          "; make 'side' or 'margin' smaller or the views larger");
      box.begin.push_back(options.margin + stream.integer(room));
    }
    boxes.push_back(std::move(box));
  }
  return boxes;
}

void InpaintOptions::describe(Schema<InpaintOptions>& schema) {
  schema.summary("Overwrites boxes with uniform noise, the same in all channels.")
      .source(
          "Y. He, S. Li, COVER, ICCV 2025, appendix B.1; sizes of utils/Transform_2d.py (f5e6dd0)")
      .departure("the published code leaves one voxel more at the far borders");
  schema.field("boxes", &InpaintOptions::boxes).doc("at most so many a sample").at_least(0);
  schema.field("go_on", &InpaintOptions::go_on)
      .doc("chance to draw another box, and the first")
      .between(0.0, 1.0);
  schema.field("side", &InpaintOptions::side)
      .doc(
          "smallest and largest side, as a share of the view's; whole voxels from the one up to "
          "but not including the other, at least 1")
      .between(0.0, 1.0)
      .require(is_interval, kInterval);
  schema.field("margin", &InpaintOptions::margin)
      .doc("least distance from the border")
      .unit("voxel")
      .at_least(0);
  schema.field("fill", &InpaintOptions::fill)
      .doc("range of the noise")
      .unit("grey level")
      .require(is_interval, kInterval);
}

Inpaint::Inpaint(const InpaintOptions& options) : options_(options) {}

void Inpaint::apply(View& view, Draws& draws) const {
  const auto& image = view.image();
  std::vector<std::vector<Box>> boxes;
  for (std::int64_t n = 0; n < view.batch(); ++n)
    boxes.push_back(draw_boxes(options_, view.size(), draws.parameters(n)));
  auto shape = image.sizes().slice(1).vec();
  shape[0] = 1;
  const auto low = options_.fill[0];
  const auto fill = low + (options_.fill[1] - low) * draws.uniform_field(shape, image.options());
  const auto mask = box_mask(boxes, view.size()).to(image.device());
  change_pixels(view, draws, torch::where(mask, fill, image));
}

}  // namespace covector::transforms
