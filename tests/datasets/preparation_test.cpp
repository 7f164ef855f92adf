#include "support/catch.h"

#include "datasets/files.h"

#include "covector/core/error.h"
#include "covector/datasets/geometry.h"
#include "covector/datasets/preparation.h"

#include <torch/types.h>

#include <cmath>

using namespace covector;
using namespace covector::datasets;
using namespace covector::testing;
using Catch::Matchers::Contains;

namespace {

Image picture(const at::Tensor& pixels) {
  return {pixels, {}, {}};
}

std::vector<float> row(const Prepared& prepared) {
  const auto flat = prepared.image.contiguous().flatten();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

Prepared prepared(const Preparation& preparation, const Image& image, std::int64_t channels = 1) {
  return prepare(preparation, image, std::nullopt, channels, "a.nii");
}

}  // namespace

TEST_CASE("intensity rules by hand", "[datasets][preparation]") {
  Preparation p;
  CHECK(row(prepared(p, picture(torch::tensor({0, 51, 255}, torch::kUInt8).view({1, 1, 3})))) ==
        std::vector<float>{0.0F, 0.2F, 1.0F});
  CHECK(row(prepared(p, picture(torch::tensor({-128, 127}, torch::kInt8).view({1, 1, 2})))) ==
        std::vector<float>{0.0F, 1.0F});
  auto twelve_bits =
      picture(torch::tensor({0, 4095}, torch::kInt32).to(torch::kUInt16).view({1, 1, 2}));
  twelve_bits.info.bits_stored = 12;
  CHECK(row(prepared(p, twelve_bits)) == std::vector<float>{0.0F, 1.0F});

  const auto ct =
      picture(torch::tensor({-1000.0F, -200.0F, 50.0F, 300.0F, 900.0F}).view({1, 1, 5}));
  p.intensity = "window";
  p.window = {-200, 300};
  CHECK(row(prepared(p, ct)) == std::vector<float>{0, 0, 0.5F, 1, 1});
  p.intensity = "minmax";
  CHECK(row(prepared(p, ct))[2] == Approx(1050.0 / 1900.0));
  p.intensity = "none";
  CHECK(row(prepared(p, ct))[0] == -1000.0F);
  // Of 0 .. 100 the 10th percentile is 10 and the 90th 90.
  p.intensity = "percentile";
  p.percentiles = {10, 90};
  const auto ramp = picture(torch::arange(101, torch::kInt16).view({1, 1, 101}));
  const auto values = row(prepared(p, ramp));
  CHECK(values[10] == 0.0F);
  CHECK(values[50] == Approx(0.5));
  CHECK(values[95] == 1.0F);
  // No contrast, nothing to stretch.
  p.intensity = "minmax";
  CHECK(row(prepared(p, picture(torch::full({1, 1, 2}, 7.0F)))) == std::vector<float>{0, 0});
  CHECK_THROWS_WITH(prepared(p, picture(torch::full({1, 1, 2}, std::nanf("")))),
                    Contains("a.nii: holds values that are not finite"));
}

TEST_CASE("negative values become 0 before the range is taken", "[datasets][preparation]") {
  Preparation p;
  p.intensity = "positive";
  const auto of = [&](const std::vector<float>& values) {
    return row(prepared(p, picture(torch::tensor(values).view({1, 1, -1}))));
  };
  CHECK(of({-3, 0, 1, 4}) == std::vector<float>{0, 0, 0.25F, 1});
  CHECK(of({2, 3, 4}) == std::vector<float>{0, 0.5F, 1});  // nothing was negative
  CHECK(of({-2, -1}) == std::vector<float>{0, 0});
}

TEST_CASE("volumes along the patient's axes, back in the file's for a label written like it",
          "[datasets][preparation]") {
  // Index (x, y, z) grows towards P, S and R: an array of 2 (R) x 3 (S) x 4 (P) voxels becomes one
  // of 3 (S) x 4 (P) x 2 (L).
  Image image{torch::arange(24, torch::kUInt8).view({1, 2, 3, 4}),
              {{1.5, 3, 2}, {5, -7, 11}, {0, 0, -1, 1, 0, 0, 0, 1, 0}},
              {}};
  Preparation p;
  p.orientation = "patient";
  p.intensity = "none";
  const auto label = image.pixels % 3;
  const auto out = prepare(p, image, label, 1, "a.nii");
  REQUIRE(out.image.sizes() == std::vector<std::int64_t>{1, 3, 4, 2});
  for (int s = 0; s < 3; ++s)
    for (int y = 0; y < 4; ++y)
      for (int l = 0; l < 2; ++l) {
        const auto stored = (1 - l) * 12 + s * 4 + y;
        CHECK(out.image[0][s][y][l].item<float>() == static_cast<float>(stored));
        CHECK(out.label.value()[0][s][y][l].item<std::int64_t>() == stored % 3);
      }
  CHECK(out.geometry.spacing_mm == std::vector<double>{3, 2, 1.5});
  CHECK(orientation_code(out.geometry) == "LPS");
  // Voxel 0 is what was the second along R: 1.5 mm towards the right.
  CHECK(out.geometry.origin_mm == std::vector<double>{3.5, -7, 11});

  const TemporaryFolder folder;
  write_image(image, folder / "a.nii");
  write_label_like(folder / "a.nii", *out.label, out.geometry, folder / "label.nii");
  const auto back = read_image(folder / "label.nii");
  CHECK(torch::equal(back.pixels, label));
  CHECK(back.geometry.spacing_mm == image.geometry.spacing_mm);
  CHECK(back.info.orientation == "PSR");
  CHECK_THROWS_WITH(prepared(p, picture(torch::zeros({1, 2, 2, 2}))),
                    Contains("a.nii: names no orientation, so prepare.orientation = \"patient\" "
                             "cannot be met; set it to \"stored\""));
}

TEST_CASE("a crop to the foreground is where sizes start from", "[datasets][preparation]") {
  Preparation p;
  p.intensity = "none";
  p.crop = "foreground";
  const auto image = picture(
      torch::tensor({{-1, 0, 0, 0, 0, 0}, {0, 0, 0, 5, 0, 0}, {0, 2, 0, 0, 0, 0}}, torch::kFloat)
          .unsqueeze(0));
  const auto out = prepare(p, image, (image.pixels == 5).to(torch::kUInt8), 1, "a.nii");
  CHECK(row(out) == std::vector<float>{0, 0, 5, 2, 0, 0});
  CHECK(out.image.sizes() == std::vector<std::int64_t>{1, 2, 3});
  CHECK(out.label->sum().item<std::int64_t>() == 1);
  CHECK(out.label.value()[0][0][2].item<std::int64_t>() == 1);
  CHECK(position_of(out.geometry, {0, 0}) == std::vector<double>{1, 1});  // x 1, y 1 of the file
  p.size = {2, 5};
  p.fit = "crop_or_pad";
  CHECK(row(prepared(p, image)) == std::vector<float>{0, 0, 0, 5, 0, 0, 2, 0, 0, 0});
  p.size = {2, 6};
  p.fit = "stretch";  // twice as wide, between voxel centres linearly
  const auto wide = row(prepared(p, image));
  CHECK(std::vector<float>(wide.begin(), wide.begin() + 6) ==
        std::vector<float>{0, 0, 0, 1.25F, 3.75F, 5});
  CHECK_THROWS_WITH(prepared(p, picture(torch::zeros({1, 2, 2}))),
                    Contains("a.nii: has no voxel above 0 to crop to"));
}

TEST_CASE("channels: green, luma, gray to colour, no alpha", "[datasets][preparation]") {
  Preparation p;
  p.intensity = "none";
  const auto rgb = picture(torch::tensor({10, 20, 40}, torch::kUInt8).view({3, 1, 1}));
  CHECK(row(prepared(p, rgb)) == std::vector<float>{20});
  p.colour = "luma";
  CHECK(row(prepared(p, rgb))[0] == Approx(0.299 * 10 + 0.587 * 20 + 0.114 * 40));
  CHECK(row(prepared(p, rgb, 3)) == std::vector<float>{10, 20, 40});
  CHECK(row(prepared(p, picture(torch::tensor({9, 200}, torch::kUInt8).view({2, 1, 1})), 3)) ==
        std::vector<float>{9, 9, 9});
  CHECK_THROWS_WITH(prepared(p, picture(torch::zeros({5, 1, 1})), 1),
                    Contains("a.nii: has 5 channels, which cannot become 1"));
}

TEST_CASE("sizes: stretch averages, crop and pad keep the centre", "[datasets][preparation]") {
  Preparation p;
  p.intensity = "none";
  p.size = {1, 2};
  const auto image = picture(torch::tensor({1.0F, 3.0F, 5.0F, 7.0F}).view({1, 1, 4}));
  // New voxels lie at 0.5 and 2.5; a triangle of half-width 2 weighs the old ones by their
  // distance: at 0.5: voxels 0, 1, 2 weigh 0.75, 0.75, 0.25 of 1.75.
  const auto half = row(prepared(p, image));
  CHECK(half[0] == Approx((0.75 * 1 + 0.75 * 3 + 0.25 * 5) / 1.75));
  CHECK(half[1] == Approx((0.25 * 3 + 0.75 * 5 + 0.75 * 7) / 1.75));
  // Enlarged: linear between centres, flat beyond the outer ones.
  p.size = {1, 8};
  const auto twice = row(prepared(p, image));
  CHECK(twice == std::vector<float>{1, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7});

  p.fit = "crop";
  p.size = {1, 2};
  CHECK(row(prepared(p, image)) == std::vector<float>{3, 5});
  p.size = {3, 2};  // crop leaves a smaller side alone
  CHECK(prepared(p, image).image.sizes() == std::vector<std::int64_t>{1, 1, 2});
  p.fit = "pad";
  p.size = {1, 7};
  CHECK(row(prepared(p, image)) == std::vector<float>{0, 1, 3, 5, 7, 0, 0});
  p.fit = "crop_or_pad";
  p.size = {3, 2};
  CHECK(row(prepared(p, image)) == std::vector<float>{0, 0, 3, 5, 0, 0});
  CHECK_THROWS_WITH(prepared(p, picture(torch::zeros({1, 2, 2, 2}))),
                    Contains("a.nii: is 3D, but prepare.size has 2 numbers; give one an axis"));
}

// The centre of mass of a blob is where it was, whatever is done to the grid.
TEST_CASE("a structure keeps its place in millimetres", "[datasets][preparation]") {
  Image image;
  image.pixels = torch::zeros({1, 20, 24, 28});
  image.pixels.index_put_({0, torch::indexing::Slice(8, 12), torch::indexing::Slice(6, 10),
                           torch::indexing::Slice(12, 16)},
                          1.0F);
  image.geometry = {{3, 2, 1}, {-7, 11, 5}, {0, 0, -1, 1, 0, 0, 0, 1, 0}};
  const auto centre = [](const at::Tensor& weights, const Geometry& geometry) {
    std::vector<double> index;
    for (std::int64_t axis = 0; axis < 3; ++axis) {
      const auto along = weights[0].to(torch::kFloat64).movedim(axis, 0).flatten(1).sum(1);
      const auto positions = torch::arange(along.size(0), torch::kFloat64);
      index.push_back((along * positions).sum().item<double>() / along.sum().item<double>());
    }
    return position_of(geometry, index);
  };
  const auto before = centre(image.pixels, image.geometry);
  const auto unchanged = [&](const Preparation& p) {
    const auto out = prepare(p, image, image.pixels.to(torch::kUInt8), 1, "a.nii");
    const auto after = centre(out.image, out.geometry);
    // Where a side shrinks by a fraction, the mean of the weights, which are a triangle taken at
    // whole voxels, lies up to a few hundredths of a voxel off its middle.
    for (std::size_t axis = 0; axis < 3; ++axis) CHECK(std::abs(after[axis] - before[axis]) < 0.05);
    REQUIRE(out.label);
    CHECK(out.label->scalar_type() == torch::kInt64);
    // A label voxel is whole: its centre may be off by half a new voxel.
    const auto label = centre(*out.label, out.geometry);
    for (std::size_t axis = 0; axis < 3; ++axis) CHECK(std::abs(label[axis] - before[axis]) <= 2.0);
    return out;
  };
  Preparation p;
  p.intensity = "none";
  p.spacing_mm = {1.5, 1.5, 1.5};
  const auto even = unchanged(p);
  CHECK(even.image.sizes() == std::vector<std::int64_t>{1, 40, 32, 19});
  CHECK(even.geometry.spacing_mm == std::vector<double>{1.5, 1.5, 1.5});
  p.size = {32, 32, 16};
  p.fit = "crop_or_pad";
  unchanged(p);
  p.spacing_mm = {};
  p.fit = "stretch";
  const auto stretched = unchanged(p);
  CHECK(stretched.geometry.spacing_mm == std::vector<double>{60.0 / 32, 48.0 / 32, 28.0 / 16});

  p.spacing_mm = {1, 1, 1};
  CHECK_THROWS_WITH(prepare(p, {image.pixels, {}, {}}, std::nullopt, 1, "a.png"),
                    Contains("a.png: names no spacing, so prepare.spacing_mm cannot be met"));
}

TEST_CASE("a preparation that makes no sense is refused", "[datasets][preparation][errors]") {
  const auto problem = [](const OptionTable& table, const std::string& words) {
    CHECK_THROWS_WITH(schema_of<Preparation>().parse(table, "dataset.prepare"), Contains(words));
  };
  problem({{"intensity", "window"}}, "intensity = \"window\" needs window = [low, high]");
  problem({{"intensity", "hounsfield"}}, "'intensity' must be one of");
  problem({{"orientation", "LPS"}}, "'orientation' must be one of \"stored\", \"patient\"");
  problem({{"crop", "brain"}}, "'crop' must be one of \"none\", \"foreground\"");
  problem({{"window", OptionArray{300, -200}}},
          "'window' must be two numbers, the lower one first");
  problem({{"percentiles", OptionArray{5, 101}}},
          "'percentiles' must be two numbers from 0 to 100");
  problem({{"size", OptionArray{0, 5}}}, "'size' must be at least 1");
  problem({{"spacing_mm", OptionArray{0.0}}}, "'spacing_mm' must be more than");
}
