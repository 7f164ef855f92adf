#include "covector/transforms/corruption/inpaint.h"

#include "per_sample.h"

#include <algorithm>
#include <numeric>

namespace covector::transforms {
namespace {

using Size = std::vector<std::int64_t>;

BoxRule rule_of(const InpaintOptions& options, const Size& size) {
  BoxRule rule;
  rule.margin = options.margin;
  for (const auto length : size) {
    const auto least = std::max<std::int64_t>(1, share_of(options.side[0], length));
    const auto end = share_of(options.side[1], length);
    rule.least.push_back(least);
    rule.largest.push_back(std::max(least, options.largest_side ? end : end - 1));
  }
  return rule;
}

std::vector<Box> draw_some(const InpaintOptions& options, const Size& size, RandomStream& stream) {
  const auto rule = rule_of(options, size);
  std::vector<Box> boxes;
  while (static_cast<std::int64_t>(boxes.size()) < options.boxes && stream.bernoulli(options.go_on))
    boxes.push_back(draw_box("inpaint", rule, size, stream));
  return boxes;
}

// Random boxes seldom reach the last voxels of what they can cover.
void check_reachable(const InpaintOptions& options, const Size& size) {
  double reach = 0.9;
  for (const auto length : size)
    reach *= std::max(0.0, 1 - 2 * static_cast<double>(options.margin) / length);
  if (options.coverage[1] <= reach) return;
  throw RecipeError("inpaint: a coverage of " + to_toml(options.coverage[1]) +
                    " is out of reach of boxes with a margin of " + std::to_string(options.margin) +
                    " in a view of " + text_of(size) + ", which cover up to " + to_toml(reach) +
                    " in reasonable time; make 'coverage' or 'margin' smaller");
}

std::vector<Box> draw_until_covered(const InpaintOptions& options, const Size& size,
                                    RandomStream& stream) {
  check_reachable(options, size);
  const auto rule = rule_of(options, size);
  const auto voxels = std::accumulate(size.begin(), size.end(), 1.0, std::multiplies<>());
  const auto wanted = voxels * stream.uniform(options.coverage[0], options.coverage[1]);
  const auto covered = torch::zeros(size, torch::kBool);
  std::vector<Box> boxes;
  for (std::int64_t count = 0; static_cast<double>(count) < wanted;) {
    boxes.push_back(draw_box("inpaint", rule, size, stream));
    auto inside = covered;
    for (std::size_t axis = 0; axis < size.size(); ++axis)
      inside = inside.narrow(static_cast<std::int64_t>(axis), boxes.back().begin[axis],
                             boxes.back().size[axis]);
    count += inside.logical_not().sum().item<std::int64_t>();
    inside.fill_(true);
  }
  return boxes;
}

// What the boxes are filled with, to be broadcast over the image.
at::Tensor filling(const InpaintOptions& options, const at::Tensor& image, Draws& draws) {
  if (options.fill == "constant") return torch::full({}, options.constant, image.options());
  if (options.fill == "mean") {
    std::vector<std::int64_t> spatial(image.dim() - 2);
    std::iota(spatial.begin(), spatial.end(), 2);
    return image.mean(spatial, true);
  }
  return noise_fill(options.noise, image, draws);
}

}  // namespace

std::vector<Box> draw_boxes(const InpaintOptions& options, const Size& size, RandomStream& stream) {
  return options.coverage.empty() ? draw_some(options, size, stream)
                                  : draw_until_covered(options, size, stream);
}

void InpaintOptions::describe(Schema<InpaintOptions>& schema) {
  schema.summary("Overwrites boxes, the same in all channels, and marks them.")
      .source(
          "Y. He, S. Li, COVER, ICCV 2025, appendix B.1; sizes of utils/Transform_2d.py (f5e6dd0). "
          "Coverage: random blocks of D. Pathak et al., Context Encoders, CVPR 2016")
      .departure("the published code leaves one voxel more at the far borders");
  schema.field("boxes", &InpaintOptions::boxes).doc("at most so many a sample").at_least(0);
  schema.field("go_on", &InpaintOptions::go_on)
      .doc("chance to draw another box, and the first")
      .between(0.0, 1.0);
  schema.field("coverage", &InpaintOptions::coverage)
      .doc(
          "draw boxes until they cover a share of the view that is uniform in this range, whatever "
          "boxes and go_on say; empty: do not")
      .between(0.0, 1.0)
      .require([](const auto& range) { return range.empty() || is_interval(range); },
               "empty, or two numbers, the smaller first");
  schema.field("side", &InpaintOptions::side)
      .doc(
          "smallest and largest side, as a share of the view's; whole voxels from the one up to "
          "the other, at least 1")
      .between(0.0, 1.0)
      .require(is_interval, kInterval);
  schema.field("largest_side", &InpaintOptions::largest_side)
      .doc("whether a side can be as long as the largest, or one less");
  schema.field("margin", &InpaintOptions::margin)
      .doc("least distance from the border")
      .unit("voxel")
      .at_least(0);
  schema.field("fill", &InpaintOptions::fill)
      .doc("what boxes are filled with; mean: that of each channel of the sample")
      .one_of({"noise", "constant", "mean"});
  schema.field("noise", &InpaintOptions::noise)
      .doc("range of uniform noise")
      .unit("grey level")
      .require(is_interval, kInterval);
  schema.field("constant", &InpaintOptions::constant)
      .doc("value with fill = \"constant\"")
      .unit("grey level");
}

Inpaint::Inpaint(const InpaintOptions& options) : options_(options) {}

void Inpaint::apply(View& view, Draws& draws) const {
  std::vector<std::vector<Box>> boxes;
  for (std::int64_t n = 0; n < view.batch(); ++n)
    boxes.push_back(draw_boxes(options_, view.size(), draws.parameters(n)));
  overwrite(view, draws, box_mask(boxes, view.size()), filling(options_, view.image(), draws));
}

}  // namespace covector::transforms
