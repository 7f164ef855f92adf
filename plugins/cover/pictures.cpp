#include "cover.h"

#include "covector/datasets/view_pictures.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>

namespace covector::cover {

void Cover::draw(Views& views, const std::filesystem::path& folder) {
  const torch::NoGradGuard no_grad;
  const auto& fixed = views.at("fixed").image();
  const auto& moving = views.at("moving").image();
  const auto target = target_of(views);
  const auto outcome = compare(fixed, moving, target);

  using namespace datasets;
  PictureFolder out(folder);
  for (std::int64_t n = 0; n < drawn_samples(fixed); ++n) {
    const auto name = std::to_string(n) + "-";
    const auto fixed_plane = plane(fixed, n);
    const auto moving_plane = plane(moving, n);
    const auto fixed_picture = view_picture(fixed_plane);
    out.add(name + "fixed", fixed_picture, "fixed view");
    out.add(name + "moving", view_picture(moving_plane), "moving view");
    out.add(name + "dvf-true", with_arrows(fixed_picture, in_plane(target, n), label_colour(1)),
            "true displacement, on the fixed view");
    if (!proj_) continue;
    const auto& predicted = outcome.flows.levels.back();
    out.add(name + "dvf-predicted",
            with_arrows(fixed_picture, in_plane(predicted, n), label_colour(2)),
            "predicted displacement, on the fixed view");
    for (std::size_t i = 0; i < outcome.flows.levels.size(); ++i) {
      const auto& flow = outcome.flows.levels[i];
      const auto warped =
          warp(moving, refine(flow, target.size(2) / flow.size(2)).to(moving.scalar_type()),
               convention_);
      const auto level = std::to_string(proj_->first() + i);
      out.add(name + "warped-level" + level, view_picture(plane(warped, n), moving_plane),
              "moving view, warped by the displacement after level " + level);
    }
    // Errors are large or small against the view: an eighth of its longer side is far off.
    const auto far = std::max(fixed_plane.size(1), fixed_plane.size(2)) / 8;
    const auto error = (predicted - target).square().sum(1, true).sqrt() * outcome.mask;
    out.add(name + "error", heat_view(plane(error, n), 0, static_cast<double>(far)),
            "end-point error where the target is inside, black 0 to yellow " + std::to_string(far) +
                " voxels");
  }
}

}  // namespace covector::cover
