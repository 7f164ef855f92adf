#include "covector/datasets/view_pictures.h"

#include <torch/types.h>

#include <algorithm>

namespace covector::datasets {
namespace {

constexpr std::int64_t kSamples = 4;
constexpr std::int64_t kPixels = 384;
constexpr std::int64_t kArrows = 16;

std::int64_t longer(const at::Tensor& picture) {
  return std::max(picture.size(1), picture.size(2));
}

at::Tensor in_grey(const at::Tensor& plane, const at::Tensor& like) {
  return grey_picture(plane, like.min().item<double>(), like.max().item<double>());
}

}  // namespace

std::int64_t drawn_samples(const at::Tensor& batch) {
  return std::min(kSamples, batch.size(0));
}

at::Tensor plane(const at::Tensor& image, std::int64_t sample) {
  const auto slice = middle_slice(image[sample]);
  return slice.size(0) == 3 ? slice : slice.narrow(0, 0, 1);
}

at::Tensor in_plane(const at::Tensor& displacement, std::int64_t sample) {
  const auto slice = middle_slice(displacement[sample]);
  return slice.narrow(0, slice.size(0) - 2, 2);
}

at::Tensor enlarged(const at::Tensor& picture) {
  return enlarge(picture, std::max<std::int64_t>(1, kPixels / longer(picture)));
}

at::Tensor view_picture(const at::Tensor& plane, const at::Tensor& like) {
  return enlarged(in_grey(plane, like));
}

at::Tensor view_picture(const at::Tensor& plane) {
  return view_picture(plane, plane);
}

at::Tensor region_picture(const at::Tensor& plane, const at::Tensor& region) {
  return enlarged(overlay_labels(in_grey(plane, plane), region.to(torch::kInt64)));
}

at::Tensor heat_view(const at::Tensor& plane, double low, double high) {
  return enlarged(heat_picture(plane, low, high));
}

void draw_views(Views& views, const std::filesystem::path& folder) {
  PictureFolder out(folder);
  const auto& leading = views.begin()->second.image();
  for (std::int64_t n = 0; n < drawn_samples(leading); ++n)
    for (auto& [name, view] : views)
      out.add(std::to_string(n) + "-" + name,
              view_picture(plane(view.image(), n), plane(leading, n)), name + " view");
}

void draw_restoration(const at::Tensor& clean, const at::Tensor& damaged,
                      const at::Tensor& restored, const std::filesystem::path& folder) {
  // As far off as a tenth of the clean image's range is bright.
  constexpr double kFar = 0.1;
  PictureFolder out(folder);
  for (std::int64_t n = 0; n < drawn_samples(clean); ++n) {
    const auto name = std::to_string(n) + "-";
    const auto like = plane(clean, n);
    out.add(name + "clean", view_picture(like), "clean view");
    out.add(name + "damaged", view_picture(plane(damaged, n), like), "damaged view");
    out.add(name + "restored", view_picture(plane(restored, n), like), "restored view");
    const auto error = (plane(restored, n) - like).abs().mean(0, true);
    const auto range = (like.max() - like.min()).item<double>();
    out.add(name + "error", heat_view(error, 0, kFar * range),
            "error, black 0 to yellow a tenth of the clean view's range");
  }
}

at::Tensor with_arrows(const at::Tensor& picture, const at::Tensor& displacement, Colour colour) {
  const auto spacing = std::max<std::int64_t>(1, longer(displacement) / kArrows);
  return overlay_arrows(picture, displacement, spacing, colour);
}

}  // namespace covector::datasets
