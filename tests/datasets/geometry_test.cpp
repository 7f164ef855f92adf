#include "support/catch.h"

#include "files.h"

#include "covector/core/error.h"
#include "covector/datasets/geometry.h"

#include <torch/types.h>

#include <cmath>

using namespace covector;
using namespace covector::datasets;
using namespace covector::testing;
using Catch::Matchers::Contains;

namespace {

// 2 x 3 x 4 voxels whose array axes x, y, z run towards P, S, R: nothing is where a reader that
// ignores the direction would look for it.
Image turned_volume() {
  Image image;
  image.pixels = torch::arange(24, torch::kInt16).view({1, 2, 3, 4});
  image.geometry.spacing_mm = {5, 3, 2};
  image.geometry.origin_mm = {100, 10, 20};
  image.geometry.direction = {0, 0, -1, 1, 0, 0, 0, 1, 0};
  image.info.orientation = orientation_code(image.geometry);
  return image;
}

// Position of the one voxel with this value.
std::vector<double> position_of_value(const Image& image, std::int64_t value) {
  const auto at = (image.pixels[0] == value).nonzero();
  REQUIRE(at.size(0) == 1);
  std::vector<double> index;
  for (std::int64_t axis = 0; axis < at.size(1); ++axis)
    index.push_back(static_cast<double>(at[0][axis].item<std::int64_t>()));
  return position_of(image.geometry, index);
}

}  // namespace

TEST_CASE("position of a voxel worked out by hand", "[datasets][geometry]") {
  const auto image = turned_volume();
  CHECK(image.info.orientation == "PSR");
  // Voxel (z, y, x) = (1, 2, 3): x runs 3 * 2 mm towards P, y 2 * 3 towards S, z 1 * 5 towards R.
  CHECK(position_of(image.geometry, {1, 2, 3}) == std::vector<double>{95, 16, 26});
  CHECK(position_of({}, {4, 7}) == std::vector<double>{7, 4});
}

TEST_CASE("turning a volume to the patient's axes moves no voxel in space",
          "[datasets][geometry]") {
  const auto image = turned_volume();
  const auto turned = to_patient_axes(image, "a.nii");
  CHECK(turned.info.orientation == "LPS");
  // D = S (3 voxels of 3 mm), H = P (4 of 2 mm), W = L (2 of 5 mm).
  CHECK(turned.pixels.sizes() == std::vector<std::int64_t>{1, 3, 4, 2});
  CHECK(turned.geometry.spacing_mm == std::vector<double>{3, 2, 5});
  CHECK(turned.geometry.direction == std::vector<double>{1, 0, 0, 0, 1, 0, 0, 0, 1});
  for (const auto value : {0, 5, 11, 12, 23})
    CHECK(position_of_value(turned, value) == position_of_value(image, value));
  CHECK_THROWS_WITH(to_patient_axes({image.pixels, {}, {}}, "a.nii"),
                    Contains("a.nii: has no patient orientation; name the array axis"));
}

TEST_CASE("resampling reads each voxel at its place in space", "[datasets][geometry]") {
  const auto image = turned_volume();
  const auto turned = to_patient_axes(image, "a.nii");
  const auto nearest = resample(image, turned.geometry, turned.size(), Interpolation::nearest);
  CHECK(nearest.pixels.scalar_type() == torch::kInt16);
  CHECK(torch::equal(nearest.pixels, turned.pixels));
  const auto linear = resample(image, turned.geometry, turned.size(), Interpolation::linear);
  CHECK((linear.pixels - turned.pixels).abs().max().item<double>() < 1e-4);

  // Half a voxel further along W: the mean of neighbours, and of the last voxel and nothing.
  Image row{torch::tensor({2.0F, 4.0F, 8.0F}).view({1, 1, 3}), unit_geometry(2), {}};
  auto shifted = row.geometry;
  shifted.origin_mm = {0.5, 0};
  const auto means = resample(row, shifted, {1, 3}, Interpolation::linear).pixels;
  CHECK(means[0][0][0].item<double>() == Approx(3));
  CHECK(means[0][0][1].item<double>() == Approx(6));
  CHECK(means[0][0][2].item<double>() == Approx(4));
  shifted.origin_mm = {1, 0};
  const auto moved = resample(row, shifted, {1, 3}, Interpolation::nearest).pixels;
  CHECK(torch::equal(moved, torch::tensor({4.0F, 8.0F, 0.0F}).view({1, 1, 3})));
}

TEST_CASE("a label goes back to the grid and geometry of its file", "[datasets][geometry]") {
  const TemporaryFolder folder;
  const auto image = turned_volume();
  write_image(image, folder / "a.nii.gz");
  // Prepared at twice the resolution along x: each label voxel appears twice.
  const auto label = (image.pixels % 3).to(torch::kInt64);
  const auto prepared = regridded(image.geometry, {1, 1, 0.5}, {0, 0, -0.25});
  const auto wide = label.repeat_interleave(2, 3);
  write_label_like(folder / "a.nii.gz", wide, prepared, folder / "mask.nii.gz");
  const auto mask = read_image(folder / "mask.nii.gz");
  CHECK(mask.pixels.scalar_type() == torch::kUInt8);
  CHECK(torch::equal(mask.pixels.to(torch::kInt64), label));
  CHECK(mask.geometry.origin_mm == image.geometry.origin_mm);
  CHECK(mask.geometry.direction == image.geometry.direction);

  write_label_like(folder / "a.nii.gz", wide * 200, prepared, folder / "large.nii.gz");
  CHECK(read_image(folder / "large.nii.gz").pixels.scalar_type() == torch::kUInt16);

  // A picture without spacing: the prepared geometry carries the scale in its direction.
  write_png(torch::zeros({1, 4, 6}, torch::kUInt8), folder / "p.png");
  const auto half = regridded({}, {2, 2}, {0.5, 0.5});
  CHECK(half.spacing_mm.empty());
  const auto small = torch::tensor({{{1, 2, 3}, {4, 5, 6}}}, torch::kInt64);
  write_label_like(folder / "p.png", small, half, folder / "p_mask.png");
  CHECK(torch::equal(read_image(folder / "p_mask.png").pixels.to(torch::kInt64),
                     small.repeat_interleave(2, 1).repeat_interleave(2, 2)));
}
