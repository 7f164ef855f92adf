#include "vader.h"

#include "covector/datasets/view_pictures.h"
#include "covector/losses/contrast.h"

#include <torch/types.h>
#include <torch/utils.h>

namespace covector::vader {
namespace {

// The part of a map that pictures show: a volume's middle slice, as a map of one slice.
at::Tensor middle(const at::Tensor& map) {
  return map.dim() == 4 ? map : map.narrow(2, map.size(2) / 2, 1);
}

}  // namespace

void Vader::draw(Views& views, const std::filesystem::path& folder) {
  const torch::NoGradGuard no_grad;
  auto& first = views.at("first");
  auto& second = views.at("second");
  const auto positions = middle(positions_in(second.map(), first.map(), first.image().device()));
  const auto shown = shown_in(second.map(), positions);
  const auto here = middle(backbone_->pyramid(first.image()).back());
  const auto there = key_backbone_->pyramid(second.image()).back();
  const auto query = losses::unit(head_->forward(here));
  const auto key = losses::unit(key_head_->forward(sample_at(there, positions)));
  const auto cosine = ((query * key).sum(1, true)) * shown;

  datasets::PictureFolder out(folder);
  for (std::int64_t n = 0; n < datasets::drawn_samples(first.image()); ++n) {
    const auto name = std::to_string(n) + "-";
    const auto region = datasets::plane(shown.to(torch::kUInt8), n) > 0;
    out.add(name + "first", datasets::region_picture(datasets::plane(first.image(), n), region),
            "first view; coloured: what the second shows too");
    out.add(name + "second", datasets::view_picture(datasets::plane(second.image(), n)),
            "second view");
    out.add(name + "agreement", datasets::heat_view(datasets::plane(cosine, n), 0, 1),
            "cosine of each pixel with the same one in the second view, black 0 to yellow 1");
  }
}

}  // namespace covector::vader
