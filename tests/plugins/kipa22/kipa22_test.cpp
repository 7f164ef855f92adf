#include "support/catch.h"

#include "datasets/files.h"
#include "support/datasets/kipa22_tree.h"
#include "support/datasets/made_up_volume.h"

#include "kipa22.h"

#include "covector/core/error.h"

#include <torch/types.h>

#include <set>

using namespace covector;
using namespace covector::kipa22;
using namespace covector::testing;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

Options options(const fs::path& root) {
  Options o;
  o.root = root.string();
  return o;
}

at::Tensor hounsfield(int number) {
  return made_up_image(made_up_label({16, 32, 32}, 4), 70, number) - 90;
}

}  // namespace

TEST_CASE("KiPA22 as volumes, numbered as numbers, in Hounsfield units", "[kipa22]") {
  const TemporaryFolder folder;
  make_kipa22_tree(folder.path(), 13);
  write_file(folder / "train/image/.DS_Store", "");
  write_file(folder / "__MACOSX/train/image/._0.nii.gz", "");
  Kipa22 set(options(folder.path()));
  set.open();
  REQUIRE(set.size() == 13);
  CHECK(set.id(2) == "2");
  CHECK(set.id(10) == "10");
  CHECK(set.patient(10) == "10");
  CHECK(set.input().dimensions == 3);
  CHECK(set.classes() ==
        std::vector<std::string>{"background", "vein", "kidney", "artery", "tumour"});
  const auto stored = set.load(set.at(10));
  CHECK(torch::equal(stored.image.pixels, hounsfield(10)));
  const auto sample = set.get(10);
  CHECK(torch::equal(sample.label.value(), made_up_label({16, 32, 32}, 4).to(torch::kInt64)));
  CHECK(sample.geometry.spacing_mm == std::vector<double>{0.7F, 0.6F, 0.6F});
  // -200 .. 500 HU become 0 .. 1.
  const auto expected = (hounsfield(10).to(torch::kFloat) + 200) / 700;
  CHECK((sample.image - expected).abs().max().item<double>() < 1e-6);
  // 13 volumes in the proportions 70 : 30 : 30.
  CHECK(set.indices(Split::train).size() == 7);
  CHECK(set.indices(Split::validation).size() == 3);
  CHECK(set.indices(Split::test).size() == 3);

  const auto outside = set.read(folder / "train/image/10.nii.gz");
  CHECK(torch::equal(outside.image, sample.image));
  CHECK_FALSE(outside.label);
}

TEST_CASE("KiPA22 as slices, those of a volume in one part", "[kipa22]") {
  const TemporaryFolder folder;
  make_kipa22_tree(folder.path(), 13);
  auto o = options(folder.path());
  o.dimensions = 2;
  Kipa22 set(o);
  set.open();
  REQUIRE(set.size() == 13 * 16);
  CHECK(set.input().dimensions == 2);
  const std::int64_t index = 10 * 16 + 7;
  CHECK(set.id(index) == "10_0007");
  CHECK(set.patient(index) == "10");
  const auto sample = set.get(index);
  const auto expected = (hounsfield(10).to(torch::kFloat) + 200) / 700;
  CHECK((sample.image - expected.select(1, 7)).abs().max().item<double>() < 1e-6);
  CHECK(torch::equal(sample.label.value(),
                     made_up_label({16, 32, 32}, 4).select(1, 7).to(torch::kInt64)));
  CHECK(sample.geometry.spacing_mm == std::vector<double>{0.6F, 0.6F});

  std::map<Split, std::set<std::string>> patients;
  for (const auto part : {Split::train, Split::validation, Split::test})
    for (const auto i : set.indices(part)) patients[part].insert(set.patient(i));
  CHECK(patients[Split::train].size() + patients[Split::validation].size() +
            patients[Split::test].size() ==
        13);
  CHECK(patients[Split::train].size() == 7);

  write_file(folder / "train/image/3.nii.gz", "no volume");
  Kipa22 stopped(o);
  CHECK_THROWS_WITH(stopped.open(), Contains("3.nii.gz: cannot be read as NIfTI"));
  o.on_error = "skip";
  Kipa22 skipping(o);
  skipping.open();
  CHECK(skipping.size() == 12 * 16);
  CHECK_THAT(skipping.skipped().at(0), Contains("3.nii.gz: cannot be read as NIfTI"));
}

TEST_CASE("what KiPA22's values are is found from the histogram, and said", "[kipa22]") {
  const TemporaryFolder folder;
  make_kipa22_tree(folder.path(), 2);
  auto o = options(folder.path());
  // Seven eighths of the voxels lie outside the classes, where 0 to 10 are equally frequent. The
  // middle of all voxels is 4/7 up among them: 6, of -90 to -80 HU.
  auto notes = Kipa22(o).list().notes;
  REQUIRE(notes.size() == 2);
  CHECK_THAT(notes[0], Contains("the challenge keeps the labels of its test volumes"));
  CHECK(notes[1] ==
        (folder / "train/image/0.nii.gz").string() +
            ": half of its voxels are above 940, so it holds HU + 1024, and 1024 is taken "
            "off; each volume is looked at so (values = \"auto\")");
  const auto in_hu = folder / "train/image/0.nii.gz";
  write_volume(hounsfield(0).to(torch::kInt16), {0.7, 0.6, 0.6}, in_hu);
  o.split.by = "fractions";
  notes = Kipa22(o).list().notes;
  REQUIRE(notes.size() == 1);
  CHECK_THAT(notes[0], Contains("half of its voxels are above -84, so it holds Hounsfield units"));
  CHECK(torch::equal(Kipa22(o).load_image(in_hu).pixels.to(torch::kInt32), hounsfield(0)));

  o.values = "hu";
  const Kipa22 as_stored(o);
  CHECK(torch::equal(as_stored.load_image(folder / "train/image/1.nii.gz").pixels.to(torch::kInt32),
                     hounsfield(1) + 1024));
  o.values = "hu_plus_1024";
  Kipa22 taken_off(o);
  CHECK(torch::equal(taken_off.load_image(in_hu).pixels, hounsfield(0) - 1024));
  CHECK(taken_off.list().notes.empty());
}

TEST_CASE("KiPA22 below its root, doubled, or as its train folder", "[kipa22]") {
  const TemporaryFolder folder;
  make_kipa22_tree(folder / "KiPA22/KiPA22", 3);
  for (const auto* root : {".", "KiPA22", "KiPA22/KiPA22", "KiPA22/KiPA22/train"}) {
    auto set = Kipa22(options(folder / root));
    const auto listing = set.list();
    CHECK(listing.cases.size() == 3);
    CHECK_THAT(listing.layout, Contains("train.zip"));
    REQUIRE(listing.counts.size() == 1);
    CHECK(listing.counts[0].official == 70);
    CHECK(listing.counts[0].found == 3);
  }
  Kipa22 none(options(folder / "KiPA22/KiPA22/train/image"));
  CHECK_THROWS_AS(none.list(), DataError);
  CHECK_THROWS_WITH(none.list(),
                    Contains("does not look like this set; expected train/image/0.nii.gz and "
                             "train/label/0.nii.gz, which train.zip holds"));
}

TEST_CASE("what is wrong with a volume of KiPA22 is told with its path", "[kipa22][errors]") {
  const TemporaryFolder folder;
  make_kipa22_tree(folder.path(), 4);
  fs::remove(folder / "train/label/1.nii.gz");
  fs::remove(folder / "train/image/2.nii.gz");
  auto o = options(folder.path());
  const auto problems = Kipa22(o).list().problems;
  REQUIRE(problems.size() == 2);
  CHECK(problems[0] == (folder / "train/image/1.nii.gz").string() + ": has no label 1.nii.gz in " +
                           (folder / "train/label").string() + "; add it, or take the image out");
  CHECK(problems[1] == (folder / "train/label/2.nii.gz").string() + ": has no image 2.nii.gz in " +
                           (folder / "train/image").string() + "; add it, or take the label out");
  Kipa22 stopped(o);
  CHECK_THROWS_WITH(stopped.open(), Contains("1.nii.gz: has no label"));

  const auto mask = folder / "train/label/3.nii.gz";
  write_volume(made_up_label({16, 32, 32}, 5), {0.7, 0.6, 0.6}, mask);
  const auto item = Kipa22(o).list().cases.at(1);
  CHECK_THROWS_WITH(Kipa22(o).load(item), Contains(mask.string() + ": label value 5 is not among "
                                                                   "those listed (0, 1, 2, 3, 4)"));
  write_volume(made_up_label({16, 32, 16}, 4), {0.7, 0.6, 0.6}, mask);
  CHECK_THROWS_WITH(Kipa22(o).load(item), Contains(mask.string() + ": mask is 16x32x16"));

  const auto problem = [](const OptionTable& table, const std::string& words) {
    CHECK_THROWS_WITH(schema_of<Options>().parse(table, "dataset"), Contains(words));
  };
  problem({}, "needs root = \"...\", the folder of the set");
  problem({{"root", "x"}, {"dimensions", 4}}, "'dimensions' must be between 2 and 3");
  problem({{"root", "x"}, {"values", "hounsfield"}}, "'values' must be one of");
  problem({{"root", "x"}, {"cache_mb", -1}}, "'cache_mb' must be at least 0");
}
