#include "covector/transforms/corruption/outpaint.h"

#include "per_sample.h"

namespace covector::transforms {
namespace {

using Size = std::vector<std::int64_t>;

// True outside all windows of one sample: [1, 1, *size].
at::Tensor outside(const OutpaintOptions& options, const Size& size, RandomStream& stream) {
  return box_mask({draw_windows(options, size, stream)}, size).logical_not();
}

}  // namespace

std::vector<Box> draw_windows(const OutpaintOptions& options, const Size& size,
                              RandomStream& stream) {
  BoxRule rule;
  rule.margin = options.margin;
  for (const auto length : size) {
    rule.least.push_back(length - share_of(options.cut[1], length));
    rule.largest.push_back(length - share_of(options.cut[0], length));
  }
  std::vector<Box> windows;
  do {
    windows.push_back(draw_box("outpaint", rule, size, stream));
  } while (static_cast<std::int64_t>(windows.size()) < options.windows &&
           stream.bernoulli(options.go_on));
  return windows;
}

void OutpaintOptions::describe(Schema<OutpaintOptions>& schema) {
  schema
      .summary(
          "Overwrites all but a few windows with uniform noise, the same in all channels, and "
          "marks what it overwrote.")
      .source(
          "Z. Zhou et al., Models Genesis, Medical Image Analysis 67, 2021; code of "
          "MrGiovanni/ModelsGenesis (12f7feb)");
  schema.field("windows", &OutpaintOptions::windows).doc("at most so many are kept").at_least(1);
  schema.field("go_on", &OutpaintOptions::go_on)
      .doc("chance to keep another window after the first")
      .between(0.0, 1.0);
  schema.field("cut", &OutpaintOptions::cut)
      .doc(
          "how much shorter than the view a window's side is, smallest and largest share; whole "
          "voxels from the one to the other")
      .between(0.0, 0.99)
      .require(is_interval, kInterval);
  schema.field("margin", &OutpaintOptions::margin)
      .doc("least distance of a window from the border")
      .unit("voxel")
      .at_least(0);
  schema.field("noise", &OutpaintOptions::noise)
      .doc("range of uniform noise")
      .unit("grey level")
      .require(is_interval, kInterval);
}

Outpaint::Outpaint(const OutpaintOptions& options) : options_(options) {}

void Outpaint::apply(View& view, Draws& draws) const {
  std::vector<at::Tensor> masks;
  for (std::int64_t n = 0; n < view.batch(); ++n)
    masks.push_back(outside(options_, view.size(), draws.parameters(n)));
  overwrite(view, draws, torch::cat(masks), noise_fill(options_.noise, view.image(), draws));
}

void PaintOptions::describe(Schema<PaintOptions>& schema) {
  schema
      .summary(
          "Overwrites boxes of a sample, or all but a few windows of it, with uniform noise, and "
          "marks what it overwrote.")
      .source(
          "Z. Zhou et al., Models Genesis, Medical Image Analysis 67, 2021; code of "
          "MrGiovanni/ModelsGenesis (12f7feb)")
      .departure("the paper's text has one random value a region; noise as in its code");
  schema.field("inside", &PaintOptions::inside)
      .doc("chance to overwrite boxes; what is outside windows else")
      .between(0.0, 1.0);
  schema.field("boxes", &PaintOptions::boxes).doc("at most so many").at_least(0);
  schema.field("side", &PaintOptions::side)
      .doc("smallest and largest side of a box, as a share of the view's, both included")
      .between(0.0, 1.0)
      .require(is_interval, kInterval);
  schema.field("windows", &PaintOptions::windows).doc("at most so many").at_least(1);
  schema.field("cut", &PaintOptions::cut)
      .doc("how much shorter than the view a window's side is, smallest and largest share")
      .between(0.0, 0.99)
      .require(is_interval, kInterval);
  schema.field("go_on", &PaintOptions::go_on)
      .doc("chance of another box, and the first, or of another window")
      .between(0.0, 1.0);
  schema.field("margin", &PaintOptions::margin)
      .doc("least distance of boxes and windows from the border")
      .unit("voxel")
      .at_least(0);
  schema.field("noise", &PaintOptions::noise)
      .doc("range of uniform noise")
      .unit("grey level")
      .require(is_interval, kInterval);
}

Paint::Paint(const PaintOptions& options) : inside_(options.inside) {
  inpaint_.boxes = options.boxes;
  inpaint_.side = options.side;
  inpaint_.largest_side = true;
  inpaint_.go_on = outpaint_.go_on = options.go_on;
  inpaint_.margin = outpaint_.margin = options.margin;
  outpaint_.windows = options.windows;
  outpaint_.cut = options.cut;
  outpaint_.noise = options.noise;
}

void Paint::apply(View& view, Draws& draws) const {
  const auto& size = view.size();
  std::vector<at::Tensor> masks;
  for (std::int64_t n = 0; n < view.batch(); ++n) {
    auto& stream = draws.parameters(n);
    masks.push_back(stream.bernoulli(inside_) ? box_mask({draw_boxes(inpaint_, size, stream)}, size)
                                              : outside(outpaint_, size, stream));
  }
  overwrite(view, draws, torch::cat(masks), noise_fill(outpaint_.noise, view.image(), draws));
}

}  // namespace covector::transforms
