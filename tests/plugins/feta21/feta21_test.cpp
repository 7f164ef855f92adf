#include "support/catch.h"

#include "datasets/files.h"
#include "support/datasets/feta21_tree.h"
#include "support/datasets/made_up_volume.h"

#include "feta21.h"

#include "covector/core/error.h"

#include <torch/types.h>

using namespace covector;
using namespace covector::feta21;
using namespace covector::testing;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

Options options(const fs::path& root) {
  Options o;
  o.root = root.string();
  return o;
}

}  // namespace

TEST_CASE("FeTA: volumes of both pipelines, or of one", "[feta21]") {
  const TemporaryFolder folder;
  make_feta21_tree(folder / "feta_2.1", 8);
  auto o = options(folder / "feta_2.1");
  Feta21 set(o);
  set.open();
  REQUIRE(set.size() == 8);
  CHECK(set.id(0) == "sub-001_anat_sub-001_rec-mial_T2w");
  CHECK(set.id(7) == "sub-008_anat_sub-008_rec-irtk_T2w");
  CHECK(set.patient(7) == "sub-008");
  CHECK(set.classes() == std::vector<std::string>{"background", "external-CSF", "gray-matter",
                                                  "white-matter", "ventricles", "cerebellum",
                                                  "deep-gray-matter", "brainstem"});
  const auto sample = set.get(7);
  const auto label = made_up_label({32, 32, 32}, 7);
  CHECK(torch::equal(sample.label.value(), label.to(torch::kInt64)));
  const auto image = made_up_image(label, 50, 8).to(torch::kFloat);
  const auto expected = (image - image.min()) / (image.max() - image.min());
  CHECK((sample.image - expected).abs().max().item<double>() < 1e-6);
  CHECK(sample.geometry.spacing_mm == std::vector<double>{0.5, 0.5, 0.5});
  CHECK(torch::equal(set.read(folder / "feta_2.1/sub-008/anat/sub-008_rec-irtk_T2w.nii.gz").image,
                     sample.image));
  CHECK(set.indices(Split::train).size() == 2);
  CHECK(set.indices(Split::validation).size() == 2);
  CHECK(set.indices(Split::test).size() == 4);

  auto listing = set.list();
  REQUIRE(listing.counts.size() == 2);
  CHECK(listing.counts[0].what == "volumes");
  CHECK(listing.counts[0].official == 80);
  CHECK(listing.counts[0].found == 8);
  CHECK(listing.counts[1].official == 80);
  CHECK(listing.counts[1].found == 8);
  CHECK(listing.notes == std::vector<std::string>{"volumes by mial: 4", "volumes by irtk: 4"});
  o.pipeline = "irtk";
  Feta21 irtk(o);
  listing = irtk.list();
  REQUIRE(listing.counts.size() == 1);
  CHECK(listing.counts[0].what == "participants");
  CHECK(listing.notes == std::vector<std::string>{"volumes by irtk: 4"});
  irtk.open();
  CHECK(irtk.size() == 4);
  CHECK(irtk.id(0) == "sub-005_anat_sub-005_rec-irtk_T2w");
}

TEST_CASE("FeTA doubled and below its parent", "[feta21]") {
  const TemporaryFolder folder;
  make_feta21_tree(folder / "feta_2.1/feta_2.1", 4);
  for (const auto* root : {".", "feta_2.1", "feta_2.1/feta_2.1"})
    CHECK(Feta21(options(folder / root)).list().cases.size() == 4);
  CHECK_THROWS_WITH(Feta21(options(folder / "feta_2.1/feta_2.1/sub-001/anat")).list(),
                    Contains("does not look like this set; expected sub-001/anat/"
                             "sub-001_rec-mial_T2w.nii.gz"));
}

TEST_CASE("what is wrong with FeTA is told with its path", "[feta21][errors]") {
  const TemporaryFolder folder;
  make_feta21_tree(folder.path(), 6);
  const auto o = options(folder.path());
  const auto image = [&](const std::string& subject) {
    return folder / (subject + "/anat/" + subject + "_rec-mial_T2w.nii.gz");
  };
  fs::remove(folder / "sub-001/anat/sub-001_rec-mial_dseg.nii.gz");
  fs::remove(image("sub-002"));
  fs::rename(image("sub-003"), folder / "sub-003/anat/sub-003_T2w.nii.gz");
  write_volume(made_up_label({32, 32, 32}, 8), {0.5, 0.5, 0.5},
               folder / "sub-004/anat/sub-004_rec-irtk_dseg.nii.gz");
  write_file(folder / "participants.tsv",
             "participant_id\tPathology\tGestational age\nsub-001\tNeurotypical\t20\n");
  const auto listing = Feta21(o).list();
  REQUIRE(listing.problems.size() == 3);
  CHECK(listing.problems[0] == image("sub-001").string() +
                                   ": has no label sub-001_rec-mial_dseg.nii.gz beside it; add it, "
                                   "or take the image out");
  CHECK(listing.problems[1] == (folder / "sub-002").string() +
                                   ": has no anat/sub-002_rec-mial_T2w.nii.gz or rec-irtk; add it, "
                                   "or take the subject out");
  CHECK_THAT(listing.problems[2], Contains("sub-003_T2w.nii.gz: its name tells no pipeline"));
  REQUIRE(listing.notes.size() == 6);
  CHECK(listing.notes[0] == (folder / "sub-002").string() + ": has no row in participants.tsv");
  CHECK(listing.notes[5] == "volumes by irtk: 3");
  CHECK_THROWS_WITH(
      Feta21(o).load(listing.cases.at(0)),
      Contains("sub-004_rec-irtk_dseg.nii.gz: label value 8 is not among those listed"));
  fs::remove(folder / "participants.tsv");
  CHECK_THROWS_WITH(Feta21(o).list(), Contains("participants.tsv: cannot be opened"));
  CHECK_THROWS_WITH(
      schema_of<Options>().parse({{"root", "x"}, {"pipeline", "niftymic"}}, "dataset"),
      Contains("'pipeline' must be one of"));
}
