#include "support/catch.h"

#include "covector/datasets/surface_distance.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>

using namespace covector::datasets;
using Catch::Matchers::Contains;

namespace {

using Points = std::vector<std::vector<std::int64_t>>;

// Straight from the definition: a voxel with a face neighbour outside the mask or the image.
Points surface_of(const at::Tensor& mask) {
  Points points;
  const auto voxels = mask.nonzero();
  for (std::int64_t i = 0; i < voxels.size(0); ++i) {
    std::vector<std::int64_t> at;
    for (std::int64_t axis = 0; axis < mask.dim(); ++axis)
      at.push_back(voxels[i][axis].item<std::int64_t>());
    bool edge = false;
    for (std::size_t axis = 0; axis < at.size(); ++axis)
      for (const auto step : {-1, 1}) {
        auto near = at;
        near[axis] += step;
        if (near[axis] < 0 || near[axis] >= mask.size(static_cast<std::int64_t>(axis))) {
          edge = true;
          continue;
        }
        auto value = mask;
        for (const auto index : near) value = value[index];
        edge = edge || !value.item<bool>();
      }
    if (edge) points.push_back(at);
  }
  return points;
}

std::vector<double> brute(const Points& from, const Points& to,
                          const std::vector<double>& spacing) {
  std::vector<double> out;
  for (const auto& a : from) {
    double best = 1e300;
    for (const auto& b : to) {
      double squared = 0;
      for (std::size_t axis = 0; axis < a.size(); ++axis) {
        const auto step = static_cast<double>(a[axis] - b[axis]) * spacing[axis];
        squared += step * step;
      }
      best = std::min(best, std::sqrt(squared));
    }
    out.push_back(best);
  }
  std::sort(out.begin(), out.end());
  return out;
}

double quantile_95(const std::vector<double>& values) {
  return torch::quantile(torch::tensor(values, torch::kFloat64), 0.95).item<double>();
}

at::Tensor box(std::vector<std::int64_t> size, std::vector<std::int64_t> from,
               std::vector<std::int64_t> to) {
  auto mask = torch::zeros(size, torch::kBool);
  auto part = mask;
  for (std::size_t axis = 0; axis < size.size(); ++axis)
    part = part.slice(static_cast<std::int64_t>(axis), from[axis], to[axis]);
  part.fill_(true);
  return mask;
}

}  // namespace

TEST_CASE("distances between two squares by hand", "[datasets][surface]") {
  // Two 1 x 3 bars, one 2 rows below the other: every distance is 2 rows of 1.5 mm.
  const auto above = box({6, 6}, {1, 1}, {2, 4});
  const auto below = box({6, 6}, {3, 1}, {4, 4});
  const auto same_shape = surface_distances(above, below, {1.5, 0.5});
  CHECK(same_shape.unit == "mm");
  CHECK(*same_shape.hausdorff == Approx(3));
  CHECK(*same_shape.hausdorff_95 == Approx(3));
  CHECK(*same_shape.average == Approx(3));
  CHECK(same_shape.note.empty());

  // A bar against its left end: from the bar 0, 1, 2; back 0. HD 2; the 95th percentile of
  // (0, 1, 2) lies at 1.9 of the way, 1.9; mean of (0, 1, 2, 0) = 0.75.
  const auto end = box({6, 6}, {1, 1}, {2, 2});
  const auto shorter = surface_distances(above, end, {});
  CHECK(shorter.unit == "voxel");
  CHECK(*shorter.hausdorff == Approx(2));
  CHECK(*shorter.hausdorff_95 == Approx(1.9));
  CHECK(*shorter.average == Approx(0.75));

  // A mask that fills the image still has a surface: the border of the image.
  const auto full = torch::ones({3, 3}, torch::kBool);
  const auto centre = box({3, 3}, {1, 1}, {2, 2});
  const auto filled = surface_distances(full, centre, {});
  CHECK(*filled.hausdorff == Approx(std::sqrt(2.0)));
  CHECK(*filled.average == Approx((4 * 1 + 4 * std::sqrt(2.0) + 1) / 9));
  CHECK(*surface_distances(full, full, {}).hausdorff == 0);
}

TEST_CASE("distances agree with brute force", "[datasets][surface]") {
  torch::manual_seed(5);
  for (const auto& size : std::vector<std::vector<std::int64_t>>{{9, 11}, {6, 7, 8}}) {
    const std::vector<double> spacing =
        size.size() == 2 ? std::vector<double>{0.7, 1.3} : std::vector<double>{2.5, 0.7, 1.1};
    for (int round = 0; round < 6; ++round) {
      // From a few voxels to nearly all of them.
      const double share = 0.1 + 0.16 * round;
      const auto a = torch::rand(size) < share;
      const auto b = torch::rand(size) < share;
      const auto there = brute(surface_of(a), surface_of(b), spacing);
      const auto back = brute(surface_of(b), surface_of(a), spacing);
      const auto got = surface_distances(a, b, spacing);
      CHECK(*got.hausdorff == Approx(std::max(there.back(), back.back())).epsilon(1e-9));
      CHECK(*got.hausdorff_95 ==
            Approx(std::max(quantile_95(there), quantile_95(back))).epsilon(1e-9));
      double sum = 0;
      for (const auto d : there) sum += d;
      for (const auto d : back) sum += d;
      CHECK(*got.average ==
            Approx(sum / static_cast<double>(there.size() + back.size())).epsilon(1e-9));
      const auto mirrored = surface_distances(b, a, spacing);
      CHECK(*mirrored.average == Approx(*got.average).epsilon(1e-12));
    }
  }
}

TEST_CASE("an empty mask has no distance, and the note says which", "[datasets][surface]") {
  const auto none = torch::zeros({4, 4}, torch::kBool);
  const auto some = box({4, 4}, {1, 1}, {2, 2});
  const auto missed = surface_distances(none, some, {1, 1});
  CHECK_FALSE(missed.hausdorff);
  CHECK_FALSE(missed.hausdorff_95);
  CHECK_FALSE(missed.average);
  CHECK(missed.note == "prediction is empty");
  CHECK(missed.unit == "mm");
  CHECK(surface_distances(some, none, {}).note == "truth is empty");
  CHECK(surface_distances(none, none, {}).note == "both are empty");
  CHECK_THROWS_WITH(surface_distances(some, torch::zeros({4, 5}, torch::kBool), {}),
                    Contains("prediction: expected [4, 5], got [4, 4]"));
  CHECK_THROWS_WITH(surface_distances(some, some, {1}), "spacing_mm: expected 2 numbers, got 1");
}
