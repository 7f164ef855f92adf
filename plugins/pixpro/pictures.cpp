#include "pixpro.h"

#include "covector/datasets/view_pictures.h"

#include <torch/types.h>
#include <torch/utils.h>

namespace covector::pixpro {
namespace {

// One number a cell, [N, cells^d], as a map of blocks on the grid of a view: [N, 1, *size].
at::Tensor blocks(const at::Tensor& values, std::int64_t cells,
                  const std::vector<std::int64_t>& size) {
  std::vector<std::int64_t> shape(size.size() + 2, cells);
  shape[0] = values.size(0);
  shape[1] = 1;
  const auto map = values.view(shape);
  return size.size() == 2 ? at::upsample_nearest2d(map, size) : at::upsample_nearest3d(map, size);
}

}  // namespace

void PixPro::draw(Views& views, const std::filesystem::path& folder) {
  const torch::NoGradGuard no_grad;
  auto& first = views.at("first");
  auto& second = views.at("second");
  const auto y = predict(first.image()).cells;
  const auto z = target(second.image()).cells;
  const auto near_cells = near(first, second, y.device()).to(y.scalar_type());
  const auto count = near_cells.sum(2);
  const auto cosine = (y * torch::matmul(near_cells, z)).sum(2) / count.clamp_min(1);
  const auto shown = blocks((count > 0).to(torch::kFloat32), cells_, first.size());
  const auto agreement = blocks(cosine, cells_, first.size());

  datasets::PictureFolder out(folder);
  for (std::int64_t n = 0; n < datasets::drawn_samples(first.image()); ++n) {
    const auto name = std::to_string(n) + "-";
    const auto region = datasets::plane(shown, n) > 0;
    out.add(name + "first", datasets::region_picture(datasets::plane(first.image(), n), region),
            "first view; coloured: cells that have near ones in the second");
    out.add(name + "second", datasets::view_picture(datasets::plane(second.image(), n)),
            "second view");
    out.add(name + "agreement", datasets::heat_view(datasets::plane(agreement, n), 0, 1),
            "mean cosine of each cell with the near ones, black 0 to yellow 1");
  }
}

}  // namespace covector::pixpro
