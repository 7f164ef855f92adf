#include "covector/datasets/cell_pictures.h"

#include "covector/core/check.h"
#include "covector/datasets/view_pictures.h"

#include <torch/types.h>

#include <cmath>
#include <stdexcept>
#include <string>

namespace covector::datasets {
namespace {

constexpr std::int64_t kColours = 7;  // of label_colour, before it repeats

// Cells along an axis of a grid with `count` cells in all.
std::int64_t side(std::int64_t count, std::size_t axes) {
  const auto cells = std::llround(std::pow(count, 1.0 / static_cast<double>(axes)));
  std::int64_t all = 1;
  for (std::size_t axis = 0; axis < axes; ++axis) all *= cells;
  if (all != count)
    throw std::invalid_argument(std::to_string(count) + " cells fill no grid of " +
                                std::to_string(axes) + " axes with equal sides");
  return cells;
}

// Cells that the middle slice goes through and that have a positive, at most seven.
at::Tensor shown_cells(const at::Tensor& has_positive, at::IntArrayRef size) {
  auto candidates = has_positive;
  if (size.size() == 3) {
    const auto cells = side(has_positive.size(0), 3);
    const auto layer = cells * (size[0] / 2) / size[0];
    candidates = torch::zeros_like(has_positive).view({cells, -1});
    candidates.select(0, layer).copy_(has_positive.view({cells, -1}).select(0, layer));
  }
  const auto found = candidates.flatten().nonzero().flatten();
  const auto count = std::min(kColours, found.size(0));
  // The middles of equal stretches.
  const auto places = (2 * torch::arange(count) + 1) * found.size(0);
  return found.index_select(0, places.div(std::max<std::int64_t>(1, 2 * count), "floor"));
}

at::Tensor coloured(const at::Tensor& image, const at::Tensor& like, const at::Tensor& labels,
                    std::int64_t sample) {
  const auto range = plane(like, sample);
  const auto grey =
      grey_picture(plane(image, sample), range.min().item<double>(), range.max().item<double>());
  const auto on_voxels = cells_on_voxels(labels, image.sizes().slice(2));
  return enlarged(overlay_labels(grey, middle_slice(on_voxels)));
}

}  // namespace

at::Tensor cells_on_voxels(const at::Tensor& labels, at::IntArrayRef size) {
  check_shape("labels", labels, {kAny});
  const auto cells = side(labels.size(0), size.size());
  auto voxels = labels.view(std::vector<std::int64_t>(size.size(), cells));
  for (std::size_t axis = 0; axis < size.size(); ++axis) {
    const auto cell = (torch::arange(size[axis], torch::dtype(torch::kInt64)) * cells)
                          .div(size[axis], "floor")
                          .to(labels.device());
    voxels = voxels.index_select(static_cast<std::int64_t>(axis), cell);
  }
  return voxels.unsqueeze(0);
}

void draw_cell_pairs(const at::Tensor& query, const at::Tensor& key, const at::Tensor& positive,
                     const std::filesystem::path& folder) {
  PictureFolder out(folder);
  const auto pairs = positive.cpu();
  for (std::int64_t n = 0; n < drawn_samples(query); ++n) {
    const auto shown = shown_cells(pairs[n].any(1), query.sizes().slice(2));
    const auto labels = torch::arange(1, shown.size(0) + 1);
    const auto in_query = torch::zeros({pairs.size(1)}, torch::kInt64).scatter(0, shown, labels);
    auto in_key = torch::zeros({pairs.size(2)}, torch::kInt64);
    for (std::int64_t i = 0; i < shown.size(0); ++i)
      in_key.masked_fill_(pairs[n][shown[i].item<std::int64_t>()], i + 1);
    const auto name = std::to_string(n) + "-";
    out.add(name + "query", coloured(query, query, in_query, n), "query view, with some cells");
    out.add(name + "key", coloured(key, query, in_key, n), "key view, with their positives");
  }
}

}  // namespace covector::datasets
