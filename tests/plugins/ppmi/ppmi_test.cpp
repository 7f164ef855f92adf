#include "support/catch.h"

#include "datasets/files.h"
#include "support/datasets/made_up_volume.h"
#include "support/datasets/ppmi_tree.h"

#include "ppmi.h"

#include "covector/core/error.h"
#include "covector/datasets/geometry.h"

#include <torch/types.h>

using namespace covector;
using namespace covector::ppmi;
using namespace covector::testing;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

Options options(const fs::path& root) {
  Options o;
  o.root = root.string();
  return o;
}

std::vector<std::string> words(const fs::path& path) {
  const auto series = series_of(path);
  if (!series) return {};
  return {series->subject, series->description, series->image_id};
}

}  // namespace

TEST_CASE("folders and names of LONI tell subject, description and image", "[ppmi]") {
  using Words = std::vector<std::string>;
  CHECK(words("sets/PPMI/3102/MPRAGE_GRAPPA/2011-01-20_14_02_03.0/I12345") ==
        Words{"3102", "MPRAGE_GRAPPA", "I12345"});
  CHECK(words("PPMI/3102/MPRAGE/2011-01-20_14_02_03.0/S12345/one.dcm") ==
        Words{"3102", "MPRAGE", "S12345"});
  CHECK(words("brains/PPMI_3102_MR_T1-anatomical_Br_20110315102233445_S1_I22.nii.gz") ==
        Words{"3102", "T1-anatomical", "I22"});
  CHECK(words("PPMI_3102_MR_SAG_3D_FSPGR__br_raw_20110315102233445_1_S1_I22.dcm") ==
        Words{"3102", "SAG_3D_FSPGR", "I22"});
  CHECK(words("PPMI/3102/MPRAGE/2011/I12345").empty());
  CHECK(words("brain.nii.gz").empty());
}

TEST_CASE("PPMI: T1 series as DICOM and NIfTI, several visits of a subject", "[ppmi]") {
  const TemporaryFolder folder;
  make_ppmi_tree(folder.path(), 2);
  Ppmi set(options(folder.path()));
  set.open();
  REQUIRE(set.size() == 4);
  CHECK(set.id(0) == "PPMI_3100_SAG_3D_FSPGR_BRAVO_2011-01-20_14_02_03.0_I1000");
  CHECK(set.patient(0) == "3100");
  CHECK(set.patient(1) == "3100");
  CHECK(set.patient(2) == "3101");
  CHECK(set.indices(Split::train).size() == 4);  // it is for pretraining

  // Both visits hold the same voxels; along S, P, L they are R, I, P turned about.
  const auto label = made_up_label({24, 32, 32}, 3);
  const auto t1 = made_up_image(label, 300, 0) * (label > 0);
  CHECK(torch::equal(set.load(set.at(0)).image.pixels.to(torch::kInt32), t1));
  CHECK(torch::equal(set.load(set.at(1)).image.pixels.to(torch::kInt32), t1));
  const auto sample = set.get(0);
  CHECK_FALSE(sample.label);
  CHECK(sample.image.sizes() == std::vector<std::int64_t>{1, 160, 160, 128});
  CHECK((sample.image - set.get(1).image).abs().max().item<double>() < 1e-6);
  CHECK(torch::equal(set.read(set.at(0).image).image, sample.image));
  CHECK(datasets::orientation_code(sample.geometry) == "LPS");
  // The brain is 16 (S) x 16 (P) x 12 (L) voxels and fills the grid: each corner voxel of the grid
  // is the box's.
  const auto box = t1.slice(1, 6, 18).slice(2, 8, 24).slice(3, 8, 24)[0];
  const auto brain = box.permute({1, 2, 0}).flip({0, 2}).to(torch::kFloat) / t1.max();
  for (const auto s : {0, 1})
    for (const auto p : {0, 1})
      for (const auto l : {0, 1})
        CHECK(sample.image[0][159 * s][159 * p][127 * l].item<float>() ==
              Approx(brain[15 * s][15 * p][11 * l].item<float>()));
  CHECK(sample.geometry.spacing_mm[0] == Approx(16.0 / 160));
  CHECK(sample.geometry.spacing_mm[1] == Approx(16.0 / 160));
  CHECK(sample.geometry.spacing_mm[2] == Approx(12 * 1.2 / 128));
}

TEST_CASE("PPMI's series are taken by description, of folders or of LONI's table", "[ppmi]") {
  const TemporaryFolder folder;
  make_ppmi_tree(folder.path(), 2);
  auto o = options(folder.path());
  auto listing = Ppmi(o).list();
  REQUIRE(listing.notes.size() == 1);
  CHECK(listing.notes[0] ==
        folder.path().string() + ": left out, by description: Axial_PD-T2_TSE (2)");
  REQUIRE(listing.counts.size() == 1);
  CHECK(listing.counts[0].official == 837);
  CHECK(listing.counts[0].found == 4);
  CHECK(Ppmi(options(folder / "PPMI")).list().cases.size() == 4);
  CHECK(Ppmi(options(folder / "PPMI/3101")).list().cases.size() == 2);

  o.table = "idaSearch.csv";
  o.description = "^t1-";
  listing = Ppmi(o).list();
  REQUIRE(listing.cases.size() == 2);
  CHECK(listing.cases[0].patient == "3100");
  CHECK_THAT(listing.cases[0].stem, Contains("T1-anatomical"));
  CHECK(listing.notes.at(0) == folder.path().string() +
                                   ": left out, by description: Axial PD-T2 TSE (2), SAG 3D FSPGR "
                                   "BRAVO (2)");
}

TEST_CASE("what is wrong with PPMI is told with its path", "[ppmi][errors]") {
  const TemporaryFolder folder;
  make_ppmi_tree(folder.path(), 2);
  auto o = options(folder.path());
  write_file(folder / "PPMI/brain.nii", "");
  auto problems = Ppmi(o).list().problems;
  REQUIRE(problems.size() == 1);
  CHECK(problems[0] == (folder / "PPMI/brain.nii").string() +
                           ": neither its folders nor its name tell whose image it is; name it as "
                           "LONI does, or take it out");
  fs::remove(folder / "PPMI/brain.nii");
  o.table = "idaSearch.csv";
  write_file(folder / o.table, "Image Data ID,Description\n1000,T1\n1001,T1\n2001,T1\n");
  problems = Ppmi(o).list().problems;
  REQUIRE(problems.size() == 3);  // I2000, I3000, I3001
  CHECK_THAT(problems[1], Contains("I2000.nii: " + (folder / o.table).string() +
                                   " has no row for Image Data ID I2000; complete the table, or "
                                   "take the image out"));
  write_file(folder / o.table, "Image,Description\n1000,T1\n");
  CHECK_THROWS_WITH(Ppmi(o).list(), Contains("idaSearch.csv:1: has no column 'Image Data ID'"));

  // A file that is known to be corrupt: an error, or left out.
  o.table = "";
  const auto series = folder / "PPMI/3101/SAG_3D_FSPGR_BRAVO/2011-01-20_14_02_03.0/I1001";
  const auto slice = fs::directory_iterator(series)->path();
  write_file(slice, read_file(slice).substr(0, 500));
  Ppmi stopped(o);
  stopped.open();
  CHECK_THROWS_AS(stopped.get(2), DataError);
  o.on_error = "skip";
  Ppmi skipping(o);
  skipping.open();
  CHECK(skipping.size() == 3);
  REQUIRE(skipping.skipped().size() == 1);
  CHECK_THAT(skipping.skipped()[0], Contains("I1001"));

  const TemporaryFolder empty;
  CHECK_THROWS_WITH(Ppmi(options(empty.path())).list(),
                    Contains(": does not look like this set; expected <subject>/<description>/"));
  CHECK_THROWS_WITH(schema_of<Options>().parse({{"root", "x"}, {"description", "("}}, "dataset"),
                    Contains("'description' must be a regular expression"));
}
