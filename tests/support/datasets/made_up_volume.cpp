#include "support/datasets/made_up_volume.h"

#include "covector/datasets/geometry.h"
#include "covector/datasets/image.h"

#include <torch/types.h>

namespace covector::testing {

at::Tensor made_up_label(const std::vector<std::int64_t>& size, std::int64_t classes) {
  auto label = torch::zeros(size, torch::kUInt8);
  const std::vector<std::int64_t> half{size[0] / 2, size[1] / 2, size[2] / 2};
  const auto count = half[0] * half[1] * half[2];
  const auto inside =
      (1 + torch::arange(count, torch::kInt64).mul(classes).div(count, "floor")).view(half);
  label.slice(0, size[0] / 4, size[0] / 4 + half[0])
      .slice(1, size[1] / 4, size[1] / 4 + half[1])
      .slice(2, size[2] / 4, size[2] / 4 + half[2])
      .copy_(inside);
  return label.unsqueeze(0);
}

at::Tensor made_up_image(const at::Tensor& label, std::int64_t step, std::int64_t seed) {
  const auto along = [&](std::int64_t axis) {
    std::vector<std::int64_t> shape(3, 1);
    shape[static_cast<std::size_t>(axis)] = -1;
    return torch::arange(label.size(axis + 1), torch::kInt32).view(shape);
  };
  const auto texture = (7 * along(0) + 5 * along(1) + 3 * along(2) + seed).remainder(11);
  return (step * label.to(torch::kInt32) + texture).to(torch::kInt32);
}

void write_volume(const at::Tensor& pixels, const std::vector<double>& spacing_mm,
                  const std::filesystem::path& path, const std::vector<double>& direction) {
  std::filesystem::create_directories(path.parent_path());
  auto geometry = datasets::unit_geometry(3);
  geometry.spacing_mm = spacing_mm;
  if (!direction.empty()) geometry.direction = direction;
  datasets::write_image({pixels, geometry, {}}, path);
}

}  // namespace covector::testing
