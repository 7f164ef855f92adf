#include "support/catch.h"

#include "datasets/files.h"

#include "image_folder.h"

#include "covector/core/error.h"

#include <torch/types.h>

using namespace covector;
using namespace covector::image_folder;
using namespace covector::testing;
using Catch::Matchers::Contains;

namespace {

void volume(const std::filesystem::path& path, int value) {
  std::filesystem::create_directories(path.parent_path());
  NiftiBytes nifti;
  nifti.size = {2, 3, 2};
  nifti.voxels = std::vector<std::int16_t>(12, static_cast<std::int16_t>(value));
  write_file(path, nifti.file());
}

Options options(const TemporaryFolder& folder) {
  Options o;
  o.root = folder.path().string();
  o.layout = "bids";
  o.dimensions = 3;
  o.split.fractions = {1, 0, 0};
  return o;
}

}  // namespace

TEST_CASE("a BIDS folder: subjects, sessions, and masks beside images or derived",
          "[image_folder]") {
  const TemporaryFolder folder;
  volume(folder / "sub-01/ses-a/anat/sub-01_ses-a_T1w.nii", 1);
  volume(folder / "sub-01/ses-b/anat/sub-01_ses-b_T1w.nii", 2);
  volume(folder / "sub-02/anat/sub-02_T1w.nii", 3);
  volume(folder / "sub-02/anat/sub-02_run-2_T1w.nii", 4);
  volume(folder / "sub-02/anat/sub-02_T2w.nii", 5);
  volume(folder / "derivatives/pipe/sub-02/anat/sub-02_T1w.nii", 6);  // no image of the set
  volume(folder / "stimuli/x_T1w.nii", 7);
  auto o = options(folder);
  ImageFolder plain(o);
  plain.open();
  REQUIRE(plain.size() == 4);
  CHECK(plain.id(0) == "sub-01_ses-a_anat_sub-01_ses-a_T1w");
  CHECK(plain.patient(0) == "sub-01");
  CHECK(plain.patient(1) == "sub-01");
  CHECK(plain.patient(3) == "sub-02");
  CHECK(plain.list().layout == "BIDS");

  volume(folder / "sub-01/ses-a/anat/sub-01_ses-a_dseg.nii", 1);
  volume(folder / "derivatives/pipe/sub-01/ses-b/anat/sub-01_ses-b_desc-brain_dseg.nii", 0);
  volume(folder / "derivatives/pipe/sub-02/anat/sub-02_dseg.nii", 1);
  volume(folder / "derivatives/pipe/sub-02/anat/sub-02_run-2_dseg.nii", 0);
  o.mask_suffix = "dseg";
  o.labels.groups = {{"tissue", {1}, {}}};
  ImageFolder labelled(o);
  labelled.open();
  REQUIRE(labelled.size() == 4);
  for (std::int64_t i = 0; i < 4; ++i) {
    const auto sample = labelled.get(i);
    const bool whole =
        sample.id.find("ses-a") != std::string::npos || sample.id.ends_with("sub-02_T1w");
    INFO(sample.id);
    CHECK(sample.label->sum().item<std::int64_t>() == (whole ? 12 : 0));
  }

  o.suffix = "T2w";
  o.mask_suffix.clear();
  o.labels = {};
  ImageFolder other(o);
  other.open();
  CHECK(other.size() == 1);
}

TEST_CASE("what is wrong with a BIDS folder is told", "[image_folder][errors]") {
  const TemporaryFolder folder;
  auto o = options(folder);
  const auto refused = [&](const std::string& words) {
    ImageFolder set(o);
    CHECK_THROWS_WITH(set.open(), Contains(words));
  };
  refused("expected a BIDS folder with images sub-*/[ses-*/]*/*_T1w.nii.gz");
  volume(folder / "sub-01/anat/sub-01_T1w.nii", 1);
  o.mask_suffix = "dseg";
  o.labels.groups = {{"tissue", {1}, {}}};
  refused("sub-01_T1w.nii: has no mask *_dseg beside it or below derivatives");
  volume(folder / "sub-01/anat/sub-01_dseg.nii", 1);
  volume(folder / "derivatives/pipe/sub-01/anat/sub-01_dseg.nii", 1);
  refused("sub-01_T1w.nii: has the masks ");

  const auto parse = [](OptionTable table) {
    table.set("root", "x");
    schema_of<Options>().parse(table, "dataset");
  };
  CHECK_THROWS_WITH(parse({{"layout", "bids"}, {"images", "a"}}),
                    Contains("leave out images, masks and split.by"));
  CHECK_THROWS_WITH(parse({{"layout", "bids"}, {"patient_pattern", "a"}}),
                    Contains("which all name patients"));
  CHECK_THROWS_WITH(parse({{"layout", "bids"}, {"mask_suffix", "dseg"}}),
                    Contains("masks need labels.table or labels.groups"));
  CHECK_THROWS_WITH(parse({{"mask_suffix", "dseg"}, {"labels", OptionTable{{"table", "t.csv"}}}}),
                    Contains("mask_suffix belongs to layout = \"bids\""));
}
