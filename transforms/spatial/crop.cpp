#include "covector/transforms/spatial/crop.h"

#include "covector/core/check.h"
#include "per_sample.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace covector::transforms {
namespace {

using Size = std::vector<std::int64_t>;

constexpr int kTries = 10;  // as torchvision

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

Window draw_window(const RandomResizedCropOptions& options, const Size& size,
                   RandomStream& stream) {
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const auto share = stream.uniform(options.scale[0], options.scale[1]);
    std::vector<double> aspect(size.size() == 2 ? 1 : 3);
    for (auto& a : aspect)
      a = std::exp(stream.uniform(std::log(options.ratio[0]), std::log(options.ratio[1])));
    const auto sides = window_sides(size, share, aspect);
    if (!fits(sides, size) || *std::min_element(sides.begin(), sides.end()) < 1) continue;
    Size begin(size.size());
    for (std::size_t k = 0; k < size.size(); ++k) begin[k] = stream.integer(size[k] - sides[k] + 1);
    return {begin, sides};
  }
  return fallback(size, options.ratio);
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
      .doc("share of the area or volume, drawn uniformly")
      .more_than(0.0)
      .require(is_interval, kInterval)
      .require([](const auto& range) { return range.back() <= 1; }, "at most 1");
  schema.field("ratio", &RandomResizedCropOptions::ratio)
      .doc(
          "width / height in 2D, relative stretch of each axis in 3D; its logarithm is drawn "
          "uniformly")
      .more_than(0.0)
      .require(is_interval, kInterval);
}

RandomResizedCrop::RandomResizedCrop(const RandomResizedCropOptions& options) : options_(options) {}

void RandomResizedCrop::apply(View& view, Draws& draws) const {
  const auto size = for_each_axis("random_resized_crop", "size", options_.size, view.dimensions());
  std::vector<at::Tensor> begin;
  std::vector<at::Tensor> window;
  for (std::int64_t n = 0; n < view.batch(); ++n) {
    auto drawn = draw_window(options_, view.size(), draws.parameters(n));
    if (draws.applied()[n].item<double>() == 0) drawn = {Size(view.size().size(), 0), view.size()};
    begin.push_back(torch::tensor(drawn.begin, torch::kFloat64));
    window.push_back(torch::tensor(drawn.sides, torch::kFloat64));
  }
  view.resample(window_map(torch::stack(begin), torch::stack(window), size));
}

}  // namespace covector::transforms
