#include "support/catch.h"

#include "datasets/files.h"
#include "support/datasets/made_up_volume.h"
#include "support/datasets/stoic_tree.h"

#include "stoic.h"

#include "covector/core/error.h"

#include <torch/types.h>

using namespace covector;
using namespace covector::stoic;
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
  return made_up_image(made_up_label({20, 32, 32}, 2), 600, number) - 1000;
}

}  // namespace

TEST_CASE("STOIC: scans with and without COVID-19 at 1 mm", "[stoic]") {
  const TemporaryFolder folder;
  make_stoic_tree(folder.path(), 12);
  Stoic set(options(folder.path()));
  set.open();
  REQUIRE(set.size() == 12);
  CHECK(set.id(1) == "data_mha_12");
  CHECK(set.patient(1) == "12");
  CHECK(set.image_classes() == std::vector<std::string>{"no-COVID", "COVID"});
  for (std::int64_t i = 0; i < 12; ++i) CHECK(set.image_class(i) == (i % 3 ? 1 : 0));
  CHECK(torch::equal(set.load(set.at(1)).image.pixels.to(torch::kInt32), hounsfield(12)));
  const auto sample = set.get(1);
  CHECK(sample.image_class == 1);
  CHECK_FALSE(sample.label);
  CHECK(sample.image.sizes() == std::vector<std::int64_t>{1, 256, 256, 320});
  CHECK(sample.geometry.spacing_mm == std::vector<double>{1, 1, 1});
  // 40 x 32 x 32 of them are filled: 20 slices of 2 mm. The first row of voxels keeps its value.
  CHECK(sample.image[0][108][112][144].item<float>() ==
        Approx(static_cast<float>(hounsfield(12)[0][0][0][0].item<int>() + 1000) / 1400));
  CHECK(sample.image[0][107][112][144].item<float>() == 0);
  CHECK(torch::equal(set.read(folder / "data/mha/12.mha").image, sample.image));
  // 4 without and 8 with, in the paper's proportions of each class: 397 : 159 : 239 and
  // 603 : 241 : 361.
  const auto numbers = [&](Split part) {
    std::pair<int, int> count;
    for (const auto i : set.indices(part)) ++(set.image_class(i) == 1 ? count.second : count.first);
    return count;
  };
  CHECK((numbers(Split::train) == std::pair(2, 4)));
  CHECK((numbers(Split::validation) == std::pair(1, 2)));
  CHECK((numbers(Split::test) == std::pair(1, 2)));
}

TEST_CASE("STOIC cropped to the lungs, and severity among those with COVID-19", "[stoic]") {
  const TemporaryFolder folder;
  make_stoic_tree(folder.path(), 12);
  auto o = options(folder.path());
  o.lungs = "lungs";
  o.labels = "severe";
  o.split.fractions = {0.5, 0.25, 0.25};
  Stoic set(o);
  set.open();
  CHECK(set.image_classes() == std::vector<std::string>{"not-severe", "severe"});
  REQUIRE(set.size() == 8);
  CHECK(set.id(0) == "data_mha_12");
  CHECK(set.image_class(0) == 1);
  CHECK(set.image_class(1) == 0);
  const auto notes = Stoic(o).list().notes;
  REQUIRE(notes.size() == 1);
  CHECK(notes[0] ==
        (folder / "metadata/reference.csv").string() +
            ": 4 people without COVID-19 are left out, whom labels = \"severe\" does not "
            "speak of");
  const auto stored = set.load(set.at(0));
  CHECK(torch::equal(stored.image.pixels.to(torch::kInt32),
                     hounsfield(12).slice(1, 5, 15).slice(2, 8, 24).slice(3, 8, 24)));
  CHECK(stored.image.geometry.origin_mm == std::vector<double>{8, 8, 10});
  o.split.by = "paper";
  CHECK_THROWS_WITH(Stoic(o).open(), Contains("no published split of this set is known"));
}

TEST_CASE("STOIC doubled and below its parent, with its counts", "[stoic]") {
  const TemporaryFolder folder;
  make_stoic_tree(folder / "stoic/stoic", 3);
  for (const auto* root : {".", "stoic", "stoic/stoic"}) {
    const auto listing = Stoic(options(folder / root)).list();
    CHECK(listing.cases.size() == 3);
    REQUIRE(listing.counts.size() == 3);
    for (const auto& count : listing.counts) {
      CHECK(count.official == 2000);
      CHECK(count.found == 3);
    }
  }
  CHECK_THROWS_WITH(Stoic(options(folder / "stoic/stoic/data/mha")).list(),
                    Contains("does not look like this set; expected data/mha/<PatientID>.mha"));
}

TEST_CASE("what is wrong with STOIC is told with its path", "[stoic][errors]") {
  const TemporaryFolder folder;
  make_stoic_tree(folder.path(), 3);
  auto o = options(folder.path());
  const auto csv = folder / "metadata/reference.csv";
  const std::string header = "PatientID,probCOVID,probSevere\n";
  write_file(csv, header + "1,0,0\n12,1,1\n");
  auto problems = Stoic(o).list().problems;
  REQUIRE(problems.size() == 1);
  CHECK(problems[0] == (folder / "data/mha/23.mha").string() + ": has no row in " + csv.string() +
                           "; complete the table, or take the scan out");
  write_file(csv, header + "1,0,0\n12,2,1\n23,1,0\n");
  CHECK_THROWS_WITH(Stoic(o).list(), csv.string() + ":3: '2' is neither 0 nor 1; correct it");
  write_file(csv, header + "1,0,0\n1,1,1\n");
  CHECK_THROWS_WITH(Stoic(o).list(),
                    csv.string() + ":3: PatientID 1 has a row already; keep one of them");
  write_file(csv, header + "1,0,0\n12,1,1\n23,1,0\n");
  o.lungs = "lungs";
  fs::remove(folder / "lungs/12.nii.gz");
  write_volume(torch::zeros({1, 20, 32, 32}, torch::kUInt8), {2, 1, 1}, folder / "lungs/1.nii.gz");
  const auto listing = Stoic(o).list();
  REQUIRE(listing.problems.size() == 1);
  CHECK(listing.problems[0] == (folder / "data/mha/12.mha").string() + ": has no mask 12.* in " +
                                   (folder / "lungs").string() + "; make it, or take the scan out");
  CHECK_THROWS_WITH(
      Stoic(o).load(listing.cases.at(0)),
      (folder / "lungs/1.nii.gz").string() + ": shows no lung; repair it, or take it out");
  o.lungs = "masks";
  CHECK_THROWS_WITH(Stoic(o).list(), Contains((folder / "masks").string() + ": is no folder"));
  CHECK_THROWS_WITH(schema_of<Options>().parse({{"root", "x"}, {"labels", "death"}}, "dataset"),
                    Contains("'labels' must be one of"));
}
