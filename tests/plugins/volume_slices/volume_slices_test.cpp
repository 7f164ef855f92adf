#include "support/catch.h"

#include "datasets/files.h"

#include "volume_slices.h"

#include "covector/core/error.h"

#include <torch/types.h>

#include <set>
#include <thread>

using namespace covector;
using namespace covector::volume_slices;
using namespace covector::testing;
using Catch::Matchers::Contains;

namespace {

using Indices = std::vector<std::int64_t>;

// A volume of 4 x 3 x 12 voxels (x, y, z) stored RAS, as most NIfTI files are. Voxel (x, y, z) has
// the value 100 z + 10 y + x; its label is 5 where x = 0 and z >= 6.
void write_volume(const TemporaryFolder& folder) {
  NiftiBytes image;
  image.size = {4, 3, 12};
  NiftiBytes label = image;
  for (int z = 0; z < 12; ++z)
    for (int y = 0; y < 3; ++y)
      for (int x = 0; x < 4; ++x) {
        image.voxels.push_back(static_cast<std::int16_t>(100 * z + 10 * y + x));
        label.voxels.push_back(x == 0 && z >= 6 ? 5 : 0);
      }
  write_file(folder / "ct.nii", image.file());
  write_file(folder / "label.nii", label.file());
}

Options options(const TemporaryFolder& folder) {
  Options o;
  o.root = folder.path().string();
  o.volumes = {{"ct.nii", "label.nii", "", "p1", ""}};
  o.labels.groups = {{"organ", {5}, {}}};
  o.blocks = {4, {"train", "test", "train"}, 1};
  o.prepare.intensity = "none";
  return o;
}

std::int64_t pixel(const at::Tensor& image, std::int64_t row, std::int64_t column) {
  return static_cast<std::int64_t>(image[0][row][column].item<double>());
}

}  // namespace

TEST_CASE("blocks of slices with gaps where the split changes", "[volume_slices]") {
  std::string letters;
  for (const auto& part : split_by_blocks(12, {3, {"train", "train", "validation"}, 1}))
    letters += part ? to_string(*part).front() : '-';
  CHECK(letters == "ttttt--v--tt");
}

TEST_CASE("axial slices as radiologists see them", "[volume_slices]") {
  const TemporaryFolder folder;
  write_volume(folder);
  VolumeSlices set(options(folder));
  CHECK(set.classes() == std::vector<std::string>{"background", "organ"});  // from the options
  set.open();
  // 12 slices; 3, 4 and 7, 8 are gaps.
  CHECK(set.size() == 8);
  CHECK(set.indices(Split::train) == Indices{0, 1, 2, 5, 6, 7});
  CHECK(set.indices(Split::test) == Indices{3, 4});
  CHECK(set.indices(Split::validation).empty());
  CHECK(set.classes() == std::vector<std::string>{"background", "organ"});
  CHECK(set.input().dimensions == 2);
  const auto sample = set.get(4);
  CHECK(sample.id == "ct_0006");
  CHECK(sample.patient == "p1");
  CHECK(sample.image.sizes() == Indices{1, 3, 4});
  // RAS: x grows to the right of the patient, which is the left of the picture; y to the front, the
  // top. The first pixel is the foremost of the right side, x = 3, y = 2.
  CHECK(pixel(sample.image, 0, 0) == 623);
  CHECK(pixel(sample.image, 2, 3) == 600);
  REQUIRE(sample.label);
  CHECK(sample.label->scalar_type() == torch::kInt64);
  CHECK(pixel(*sample.label, 0, 0) == 0);
  CHECK(pixel(*sample.label, 0, 3) == 1);
  CHECK(sample.geometry.spacing_mm == std::vector<double>{3, 2});
}

TEST_CASE("coronal, sagittal and numbered axes", "[volume_slices]") {
  const TemporaryFolder folder;
  write_volume(folder);
  auto o = options(folder);
  o.blocks = {100, {"train"}, 0};
  const auto first = [&](const std::string& axis) {
    o.axis = axis;
    VolumeSlices set(o);
    set.open();
    return set.get(0).image;
  };
  // Coronal 0: the front, y = 2; head (z = 11) up, patient's right (x = 3) left.
  const auto coronal = first("coronal");
  CHECK(coronal.sizes() == Indices{1, 12, 4});
  CHECK(pixel(coronal, 0, 0) == 1123);
  // Sagittal 0: the right side, x = 3; head up, front (y = 2) left.
  const auto sagittal = first("sagittal");
  CHECK(sagittal.sizes() == Indices{1, 12, 3});
  CHECK(pixel(sagittal, 0, 0) == 1123);
  CHECK(pixel(sagittal, 11, 2) == 3);
  CHECK(pixel(first("0"), 1, 2) == 12);
  CHECK(pixel(first("1"), 1, 2) == 102);
  CHECK(pixel(first("2"), 1, 2) == 120);
}

TEST_CASE("blocks of slices as volumes, where they lie", "[volume_slices]") {
  const TemporaryFolder folder;
  write_volume(folder);
  auto o = options(folder);
  o.dimensions = 3;
  VolumeSlices set(o);
  set.open();
  CHECK(set.input().dimensions == 3);
  // Slices 0 to 2, 5 and 6, 9 to 11: a gap of one on each side of both borders.
  CHECK(set.indices(Split::train) == Indices{0, 2});
  CHECK(set.indices(Split::test) == Indices{1});
  const auto middle = set.get(1);
  CHECK(middle.id == "ct_0005");
  CHECK(middle.image.sizes() == Indices{1, 2, 3, 4});
  // The first voxel is the foremost of the right side of slice 5, x = 3, y = 2.
  CHECK(middle.image[0][0][0][0].item<double>() == 523);
  CHECK(middle.label->sum().item<std::int64_t>() == 3);  // x = 0 in slice 6
  const auto whole = set.read(folder / "ct.nii");
  CHECK(torch::equal(whole.image.narrow(1, 5, 2), middle.image));
  // Where the block begins is where slice 5 of the volume lies.
  CHECK(middle.geometry.spacing_mm == whole.geometry.spacing_mm);
  const auto from = datasets::position_of(middle.geometry, {0, 0, 0});
  CHECK(from == datasets::position_of(whole.geometry, {5, 0, 0}));

  o.volumes[0].split = "train";
  VolumeSlices one(o);
  one.open();
  CHECK(one.size() == 1);
  CHECK(one.get(0).image.sizes() == Indices{1, 12, 3, 4});
}

TEST_CASE("slices without enough labelled pixels are left out", "[volume_slices]") {
  const TemporaryFolder folder;
  write_volume(folder);
  auto o = options(folder);
  o.blocks = {100, {"train"}, 0};
  o.min_foreground = 3;
  VolumeSlices set(o);
  set.open();
  CHECK(set.size() == 6);
  CHECK(set.id(0) == "ct_0006");
  o.min_foreground = 4;
  VolumeSlices none(o);
  CHECK_THROWS_WITH(none.open(), Contains("ct.nii: no slice is left to train on"));
}

TEST_CASE("any number of threads gets the same slices", "[volume_slices]") {
  const TemporaryFolder folder;
  write_volume(folder);
  auto o = options(folder);
  o.prepare.size = {6, 6};
  VolumeSlices reference(o);
  reference.open();
  std::vector<Sample> expected;
  for (std::int64_t i = 0; i < reference.size(); ++i) expected.push_back(reference.get(i));
  for (const int threads : {1, 2, 4}) {
    o.cache_mb = threads == 4 ? 0 : 16;  // decoded again for each slice
    VolumeSlices set(o);
    set.open();
    std::vector<int> same(static_cast<std::size_t>(threads));
    std::vector<std::thread> pool;
    for (int t = 0; t < threads; ++t)
      pool.emplace_back([&, t] {
        for (std::int64_t i = 0; i < set.size(); ++i) {
          const auto sample = set.get(i);
          const auto& want = expected[static_cast<std::size_t>(i)];
          same[static_cast<std::size_t>(t)] +=
              torch::equal(sample.image, want.image) && torch::equal(*sample.label, *want.label);
        }
      });
    for (auto& thread : pool) thread.join();
    CHECK(same == std::vector<int>(static_cast<std::size_t>(threads), 8));
  }
}

TEST_CASE("a fingerprint follows files and options, not the place", "[volume_slices]") {
  const TemporaryFolder here;
  const TemporaryFolder there;
  write_volume(here);
  write_volume(there);
  const auto print = [](const Options& o) {
    VolumeSlices set(o);
    set.open();
    return set.fingerprint();
  };
  const auto first = print(options(here));
  CHECK(print(options(there)) == first);
  auto changed = options(here);
  changed.blocks.gap = 0;
  CHECK(print(changed) != first);
  auto bytes = read_file(there / "ct.nii");
  bytes.back() = 1;
  write_file(there / "ct.nii", bytes);
  CHECK(print(options(there)) != first);
}

TEST_CASE("a picture from outside is prepared as the slices are", "[volume_slices]") {
  const TemporaryFolder folder;
  write_volume(folder);
  auto o = options(folder);
  o.prepare.size = {2, 2};
  datasets::write_png(torch::full({1, 4, 4}, 9, torch::kUInt8), folder / "p.png");
  const VolumeSlices set(o);
  const auto sample = set.read(folder / "p.png");
  CHECK(sample.image.sizes() == Indices{1, 2, 2});
  CHECK(pixel(sample.image, 0, 0) == 9);
  CHECK(sample.id == "p");
  CHECK_FALSE(sample.label);
  CHECK_THROWS_WITH(set.read(folder / "ct.nii"), Contains("ct.nii: is 3D (12 slices)"));
}

TEST_CASE("volumes that cannot be used are refused", "[volume_slices][errors]") {
  const TemporaryFolder folder;
  write_volume(folder);
  const auto problem = [&](const Options& o, const std::string& words) {
    VolumeSlices set(o);
    CHECK_THROWS_AS(set.open(), DataError);
    VolumeSlices again(o);
    CHECK_THROWS_WITH(again.open(), Contains(words));
  };
  auto o = options(folder);
  o.volumes[0].image = "none.nii";
  problem(o, "none.nii: does not exist");
  o = options(folder);
  o.labels.groups[0].values = {4};
  problem(o, "label.nii: label value 5 is not among those listed (0, 4)");
  NiftiBytes small;
  small.size = {2, 3, 2};
  small.voxels.assign(12, 0);
  write_file(folder / "small.nii", small.file());
  o = options(folder);
  o.volumes[0].label = "small.nii";
  problem(o, "small.nii: mask is 2x3x2, but its image " + (folder / "ct.nii").string() +
                 " is 12x3x4; they must be on the same grid");
  o = options(folder);
  o.volumes.push_back(o.volumes[0]);
  problem(o, "a second volume is called 'ct'");
  datasets::write_png(torch::zeros({1, 4, 4}, torch::kUInt8), folder / "p.png");
  o.volumes = {{"p.png", "", "", "", ""}};
  problem(o, "p.png: is 2D, not a volume");
}

TEST_CASE("options that make no sense are refused", "[volume_slices][errors]") {
  const auto problem = [](const OptionTable& table, const std::string& words) {
    CHECK_THROWS_WITH(schema_of<Options>().parse(table, "dataset"), Contains(words));
  };
  const OptionTable volume{{"image", "a.nii"}, {"label", "b.nii"}};
  const OptionTable bare{{"image", "a.nii"}};
  problem({{"volumes", OptionArray{volume}}}, "label volumes need labels.table or labels.groups");
  problem({}, "needs volumes = [{ image = \"...\" }]");
  problem({{"volumes", OptionArray{bare}}, {"min_foreground", 2}}, "min_foreground needs label");
  problem({{"volumes", OptionArray{bare}}, {"axis", "top"}}, "'axis' must be one of");
  problem({{"volumes", OptionArray{bare}}, {"channels", 2}}, "'channels' must be 1 or 3");
  problem({{"volumes", OptionArray{OptionTable{{"image", "a"}, {"split", "dev"}}}}},
          "'split' must be one of \"train\"");
  problem({{"volumes", OptionArray{OptionTable{{"label", "b"}}}}},
          "a volume needs image = \"...\"");
  problem(
      {{"volumes", OptionArray{bare}}, {"blocks", OptionTable{{"pattern", OptionArray{"learn"}}}}},
      "'pattern' must be a list of");
}
