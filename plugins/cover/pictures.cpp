#include "cover.h"

#include "covector/datasets/picture.h"
#include "covector/datasets/picture_folder.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>

namespace covector::cover {
namespace {

namespace pictures = datasets;

constexpr std::int64_t kSamples = 4;

// What a sample shows on paper: its middle slice, one grey or three colour channels.
at::Tensor plane(const at::Tensor& image, std::int64_t sample) {
  const auto slice = pictures::middle_slice(image[sample]);
  return slice.size(0) == 3 ? slice : slice.narrow(0, 0, 1);
}

// The components of a displacement within that slice.
at::Tensor in_plane(const at::Tensor& displacement, std::int64_t sample) {
  const auto slice = pictures::middle_slice(displacement[sample]);
  return slice.narrow(0, slice.size(0) - 2, 2);
}

// At a size at which arrows can be seen.
at::Tensor enlarged(const at::Tensor& picture) {
  const auto longer = std::max(picture.size(1), picture.size(2));
  return pictures::enlarge(picture, std::max<std::int64_t>(1, 384 / longer));
}

// Grey by the range of `like`.
at::Tensor picture_of(const at::Tensor& slice, const at::Tensor& like) {
  return enlarged(
      pictures::grey_picture(slice, like.min().item<double>(), like.max().item<double>()));
}

at::Tensor with_arrows(const at::Tensor& picture, const at::Tensor& displacement,
                       pictures::Colour colour) {
  const auto longer = std::max(displacement.size(1), displacement.size(2));
  return pictures::overlay_arrows(picture, displacement, std::max<std::int64_t>(1, longer / 16),
                                  colour);
}

}  // namespace

void Cover::draw(Views& views, const std::filesystem::path& folder) {
  const torch::NoGradGuard no_grad;
  const auto& fixed = views.at("fixed").image();
  const auto& moving = views.at("moving").image();
  const auto target = target_of(views);
  const auto outcome = compare(fixed, moving, target);

  pictures::PictureFolder out(folder);
  for (std::int64_t n = 0; n < std::min(kSamples, fixed.size(0)); ++n) {
    const auto name = std::to_string(n) + "-";
    const auto fixed_plane = plane(fixed, n);
    const auto moving_plane = plane(moving, n);
    const auto fixed_picture = picture_of(fixed_plane, fixed_plane);
    out.add(name + "fixed", fixed_picture, "fixed view");
    out.add(name + "moving", picture_of(moving_plane, moving_plane), "moving view");
    out.add(name + "dvf-true",
            with_arrows(fixed_picture, in_plane(target, n), pictures::label_colour(1)),
            "true displacement, on the fixed view");
    if (!proj_) continue;
    const auto& predicted = outcome.flows.levels.back();
    out.add(name + "dvf-predicted",
            with_arrows(fixed_picture, in_plane(predicted, n), pictures::label_colour(2)),
            "predicted displacement, on the fixed view");
    for (std::size_t i = 0; i < outcome.flows.levels.size(); ++i) {
      const auto& flow = outcome.flows.levels[i];
      const auto warped =
          warp(moving, refine(flow, target.size(2) / flow.size(2)).to(moving.scalar_type()),
               convention_);
      const auto level = std::to_string(proj_->first() + i);
      out.add(name + "warped-level" + level, picture_of(plane(warped, n), moving_plane),
              "moving view, warped by the displacement after level " + level);
    }
    // Errors are large or small against the view: an eighth of its longer side is far off.
    const auto far = std::max(fixed_plane.size(1), fixed_plane.size(2)) / 8;
    const auto error = (predicted - target).square().sum(1, true).sqrt() * outcome.mask;
    out.add(name + "error",
            enlarged(pictures::heat_picture(plane(error, n), 0, static_cast<double>(far))),
            "end-point error where the target is inside, black 0 to yellow " + std::to_string(far) +
                " voxels");
  }
}

}  // namespace covector::cover
