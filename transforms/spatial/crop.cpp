#include "covector/transforms/spatial/crop.h"

#include "covector/core/check.h"
#include "per_sample.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace covector::transforms {
namespace {

using Size = std::vector<std::int64_t>;

constexpr int kTries = 10;                 // as torchvision
constexpr std::int64_t kCandidates = 256;  // voxels among which an anchor is looked for

at::Tensor repeated(const Size& row, std::int64_t batch) {
  return torch::tensor(row, torch::kFloat64).repeat({batch, 1});
}

bool fits(const Size& window, const Size& size) {
  return std::equal(window.begin(), window.end(), size.begin(), std::less_equal<>());
}

bool is_size(const Size& sides) {
  return 1 <= sides.size() && sides.size() <= 3 &&
         *std::min_element(sides.begin(), sides.end()) > 0;
}
constexpr const char* kSize = "1 to 3 numbers above 0";

struct Window {
  Size begin;
  Size sides;
};

Size centred(const Size& sides, const Size& size) {
  Size begin(size.size());
  for (std::size_t k = 0; k < size.size(); ++k) begin[k] = (size[k] - sides[k]) / 2;
  return begin;
}

// The largest window of an allowed aspect in the middle of the image.
Window fallback(const Size& size, const std::vector<double>& ratio) {
  if (size.size() == 3) return {{0, 0, 0}, size};
  const auto height = static_cast<double>(size[0]);
  const auto width = static_cast<double>(size[1]);
  const auto aspect = std::clamp(width / height, ratio[0], ratio[1]);
  const Size sides = {std::min(size[0], std::lround(width / aspect)),
                      std::min(size[1], std::lround(height * aspect))};
  return {centred(sides, size), sides};
}

// Where a window may begin along an axis: [low, high]; around the anchor where there is one.
std::int64_t draw_begin(std::int64_t side, std::int64_t length, const std::int64_t* anchor,
                        RandomStream& stream) {
  const auto low = anchor ? std::max<std::int64_t>(0, *anchor - side + 1) : 0;
  const auto high = anchor ? std::min(*anchor, length - side) : length - side;
  return low + stream.integer(high - low + 1);
}

Window draw_window(const RandomResizedCropOptions& options, const Size& size, const Size& anchor,
                   RandomStream& stream) {
  const auto power = options.scale_of == "side" ? static_cast<double>(size.size()) : 1.0;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const auto share = std::pow(stream.uniform(options.scale[0], options.scale[1]), power);
    std::vector<double> aspect(size.size() == 2 ? 1 : 3);
    for (auto& a : aspect)
      a = std::exp(stream.uniform(std::log(options.ratio[0]), std::log(options.ratio[1])));
    const auto sides = window_sides(size, share, aspect);
    if (!fits(sides, size) || *std::min_element(sides.begin(), sides.end()) < 1) continue;
    Size begin(size.size());
    for (std::size_t k = 0; k < size.size(); ++k)
      begin[k] = draw_begin(sides[k], size[k], anchor.empty() ? nullptr : &anchor[k], stream);
    return {begin, sides};
  }
  return fallback(size, options.ratio);
}

// One voxel a sample: the first of some random ones that is brighter than `level` in any channel,
// the first of all where none is.
std::vector<Size> draw_anchors(View& view, double level, Draws& draws) {
  const auto& size = view.size();
  auto index = torch::zeros({view.batch(), 1, kCandidates}, torch::kInt64);
  auto* flat = index.data_ptr<std::int64_t>();
  std::vector<Size> candidates;
  for (std::int64_t i = 0; i < index.numel(); ++i) {
    Size voxel;
    for (const auto side : size) {
      voxel.push_back(draws.parameters(i / kCandidates).integer(side));
      flat[i] = flat[i] * side + voxel.back();
    }
    candidates.push_back(voxel);
  }
  const auto pixels = view.image().flatten(2);
  const auto chosen = index.to(pixels.device()).expand({-1, pixels.size(1), -1});
  const auto bright = pixels.gather(2, chosen).amax(1) > level;
  const auto first = bright.to(torch::kInt64).argmax(1).cpu();
  std::vector<Size> anchors;
  for (std::int64_t n = 0; n < view.batch(); ++n)
    anchors.push_back(candidates[n * kCandidates + first[n].item<std::int64_t>()]);
  return anchors;
}

}  // namespace

SpatialMap window_map(const at::Tensor& begin, const at::Tensor& window, Size size) {
  const auto d = static_cast<std::int64_t>(size.size());
  check_shape("begin", begin, {kAny, d});
  check_shape("window", window, begin.sizes());
  const auto out = torch::tensor(size, torch::kFloat64);
  const auto step = torch::where(out > 1, (window - 1) / (out - 1).clamp_min(1), 0);
  const auto shift = begin + torch::where(out > 1, 0, (window - 1) / 2);
  return {torch::cat({step.diag_embed(), shift.unsqueeze(2)}, 2), std::move(size)};
}

Size window_sides(const Size& size, double share, const std::vector<double>& aspect) {
  const auto d = size.size();
  Size sides(d);
  if (d == 2) {
    const auto area = share * static_cast<double>(size[0] * size[1]);
    sides[0] = std::lround(std::sqrt(area / aspect.at(0)));
    sides[1] = std::lround(std::sqrt(area * aspect.at(0)));
    return sides;
  }
  const auto product = std::accumulate(aspect.begin(), aspect.end(), 1.0, std::multiplies<>());
  const auto factor = std::cbrt(share / product);
  for (std::size_t k = 0; k < d; ++k)
    sides[k] = std::lround(static_cast<double>(size[k]) * factor * aspect.at(k));
  return sides;
}

void CropOptions::describe(Schema<CropOptions>& schema) {
  schema.summary("A random window, uniform over all that lie inside the view.")
      .source("Y. He, S. Li, COVER, ICCV 2025: crops of 384 (2D) and 128 (3D)")
      .departure("the published code never draws the last possible position");
  schema.field("size", &CropOptions::size)
      .doc("sides of the window in tensor order, or one for all")
      .unit("voxel")
      .require(is_size, kSize);
  schema.field("resize", &CropOptions::resize)
      .doc("stretch the window to these sides, corner on corner; without it the window's own")
      .unit("voxel")
      .require([](const auto& s) { return !s || is_size(*s); }, kSize);
}

Crop::Crop(const CropOptions& options) : options_(options) {}

void Crop::apply(View& view, Draws& draws) const {
  const auto d = view.dimensions();
  const auto window = for_each_axis("crop", "size", options_.size, d);
  if (!fits(window, view.size()))
    throw RecipeError("crop: a window of " + text_of(window) + " does not fit into a view of " +
                      text_of(view.size()) + "; make 'size' smaller or the images larger");
  const auto size = options_.resize ? for_each_axis("crop", "resize", *options_.resize, d) : window;
  auto begin = torch::empty({view.batch(), d}, torch::kFloat64);
  for (std::int64_t n = 0; n < view.batch(); ++n)
    for (std::int64_t k = 0; k < d; ++k)
      begin[n][k] = draws.parameters(n).integer(view.size()[k] - window[k] + 1);
  view.resample(window_map(begin, repeated(window, view.batch()), size));
}

void ResizeOptions::describe(Schema<ResizeOptions>& schema) {
  schema.summary("Stretches the view to a size, corner voxels on corner voxels.");
  schema.field("size", &ResizeOptions::size)
      .doc("sides in tensor order, or one for all")
      .unit("voxel")
      .require(is_size, kSize);
}

Resize::Resize(const ResizeOptions& options) : options_(options) {}

void Resize::apply(View& view, Draws&) const {
  const auto window = repeated(view.size(), view.batch());
  view.resample(window_map(torch::zeros_like(window), window,
                           for_each_axis("resize", "size", options_.size, view.dimensions())));
}

void RandomResizedCropOptions::describe(Schema<RandomResizedCropOptions>& schema) {
  schema.summary("A random window of random share and shape, stretched to a size.")
      .source("torchvision's RandomResizedCrop; share from 0.2 as DenseCL and SetSim")
      .departure(
          "in 3D a share is of the volume, and a window of share 1 and ratio 1 is the whole "
          "of it whatever its shape");
  schema.field("size", &RandomResizedCropOptions::size)
      .doc("sides in tensor order, or one for all")
      .unit("voxel")
      .require(is_size, kSize);
  schema.field("scale", &RandomResizedCropOptions::scale)
      .doc("drawn uniformly: share of what `scale_of` says")
      .more_than(0.0)
      .require(is_interval, kInterval)
      .require([](const auto& range) { return range.back() <= 1; }, "at most 1");
  schema.field("scale_of", &RandomResizedCropOptions::scale_of)
      .doc("whether `scale` is a share of the volume (in 2D the area) or of each side")
      .one_of({"volume", "side"});
  schema.field("ratio", &RandomResizedCropOptions::ratio)
      .doc(
          "width / height in 2D, relative stretch of each axis in 3D; its logarithm is drawn "
          "uniformly")
      .more_than(0.0)
      .require(is_interval, kInterval);
  schema.field("anchor", &RandomResizedCropOptions::anchor)
      .doc(
          "the window contains a random voxel above this grey level, the same in every view that "
          "shares the draws; any voxel in an image that seems to have none. Without it windows lie "
          "anywhere")
      .unit("grey level");
  schema.field("window", &RandomResizedCropOptions::window)
      .doc(
          "which of the windows that are drawn one after the other is shown: views that share the "
          "draws differ in this")
      .at_least(0);
}

RandomResizedCrop::RandomResizedCrop(const RandomResizedCropOptions& options) : options_(options) {}

void RandomResizedCrop::apply(View& view, Draws& draws) const {
  const auto size = for_each_axis("random_resized_crop", "size", options_.size, view.dimensions());
  std::vector<at::Tensor> begin;
  std::vector<at::Tensor> window;
  const auto anchors = options_.anchor ? draw_anchors(view, *options_.anchor, draws)
                                       : std::vector<Size>(view.batch());
  for (std::int64_t n = 0; n < view.batch(); ++n) {
    Window drawn;
    for (std::int64_t w = 0; w <= options_.window; ++w)
      drawn = draw_window(options_, view.size(), anchors[n], draws.parameters(n));
    if (draws.applied()[n].item<double>() == 0) drawn = {Size(view.size().size(), 0), view.size()};
    begin.push_back(torch::tensor(drawn.begin, torch::kFloat64));
    window.push_back(torch::tensor(drawn.sides, torch::kFloat64));
  }
  view.resample(window_map(torch::stack(begin), torch::stack(window), size));
}

}  // namespace covector::transforms
