#include "covector/transforms/spatial/rotate90.h"

#include "covector/core/check.h"
#include "per_sample.h"

#include <stdexcept>

namespace covector::transforms {
namespace {

bool square(const std::vector<std::int64_t>& size) {
  return size[size.size() - 2] == size[size.size() - 1];
}

}  // namespace

SpatialMap quarter_turn_map(const at::Tensor& turns, std::vector<std::int64_t> size) {
  if (!square(size))
    throw std::invalid_argument("size: the last two sides of " + text_of(size) + " differ");
  check_shape("turns", turns, {kAny});
  const auto d = static_cast<std::int64_t>(size.size());
  // Row and column of what a voxel reads, about the middle: (c i + s j, -s i + c j).
  const auto quarter = turns.remainder(4);
  const auto cosine = torch::where(quarter == 0, 1., torch::where(quarter == 2, -1., 0.));
  const auto sine = torch::where(quarter == 1, 1., torch::where(quarter == 3, -1., 0.));
  auto matrix = torch::eye(d, torch::kFloat64).repeat({turns.size(0), 1, 1});
  const auto entry = [&](std::int64_t i, std::int64_t j) {
    return matrix.select(1, i).select(1, j);
  };
  entry(d - 2, d - 2).copy_(cosine);
  entry(d - 1, d - 1).copy_(cosine);
  entry(d - 2, d - 1).copy_(sine);
  entry(d - 1, d - 2).copy_(-sine);
  const auto middle = (torch::tensor(size, torch::kFloat64) - 1) / 2;
  const auto shift = middle - torch::matmul(matrix, middle);
  return {torch::cat({matrix, shift.unsqueeze(2)}, 2), std::move(size)};
}

void Rotate90Options::describe(Schema<Rotate90Options>& schema) {
  schema.summary(
      "Turns each sample by 90, 180 or 270 degrees in the plane of the last two axes, which must "
      "be equally long.");
}

Rotate90::Rotate90(const Rotate90Options&) {}

void Rotate90::apply(View& view, Draws& draws) const {
  if (!square(view.size()))
    throw RecipeError("rotate90: the last two sides of a view of " + text_of(view.size()) +
                      " differ; crop to equal sides first");
  auto turns = torch::empty({view.batch()}, torch::kFloat64);
  for (std::int64_t n = 0; n < view.batch(); ++n)
    turns[n] = static_cast<double>(1 + draws.parameters(n).integer(3));
  view.resample(where_applied(quarter_turn_map(turns, view.size()), draws));
}

}  // namespace covector::transforms
