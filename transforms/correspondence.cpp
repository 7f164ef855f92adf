#include "covector/transforms/correspondence.h"

#include "covector/core/check.h"

#include <torch/types.h>

#include <stdexcept>

namespace covector::transforms {

CellGrid cell_grid(const SpatialMap& view, std::int64_t cells) {
  if (cells < 1) throw std::invalid_argument("cells: expected at least 1");
  const auto d = view.dimensions();
  const auto side = (torch::tensor(view.size(), torch::kFloat64) - 1) / cells;
  const auto linear = view.matrix().slice(2, 0, d);
  const auto shift = view.matrix().select(2, d).unsqueeze(1);
  // [cells^d, d] indices, last axis fastest.
  const auto index =
      voxel_grid(std::vector<std::int64_t>(d, cells), torch::dtype(torch::kFloat64))[0]
          .flatten(1)
          .t();
  const auto position = (index + 0.5) * side;
  return {torch::matmul(position, linear.transpose(1, 2)) + shift,
          (linear * side).square().sum({1, 2}).sqrt()};
}

at::Tensor cell_distance(const CellGrid& first, const CellGrid& second) {
  check_shape("centres of the second view", second.centres,
              {first.centres.size(0), kAny, first.centres.size(2)});
  // Without the matrix product that would round where centres coincide.
  constexpr std::int64_t kNoProduct = 2;
  const auto distance = torch::cdist(first.centres, second.centres, 2, kNoProduct);
  return distance / torch::maximum(first.diagonal, second.diagonal).view({-1, 1, 1});
}

}  // namespace covector::transforms
