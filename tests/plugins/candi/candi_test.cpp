#include "support/catch.h"

#include "datasets/files.h"
#include "support/datasets/candi_tree.h"
#include "support/datasets/made_up_volume.h"

#include "candi.h"

#include "covector/core/error.h"
#include "covector/datasets/geometry.h"

#include <torch/types.h>

using namespace covector;
using namespace covector::candi;
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

TEST_CASE("CANDI: groups, 28 structures, axes of the patient", "[candi]") {
  const TemporaryFolder folder;
  make_candi_tree(folder / "SchizBull_2008", 2);
  write_file(folder / "SchizBull_2008/HC/.DS_Store", "");
  const auto o = options(folder / "SchizBull_2008");
  Candi set(o);
  set.open();
  REQUIRE(set.size() == 8);
  CHECK(set.id(0) == "HC_HC_001_HC_001_procimg");
  CHECK(set.patient(0) == "HC_001");
  CHECK(set.patient(7) == "SS_085");
  REQUIRE(set.classes().size() == 29);
  CHECK(set.classes()[1] == "Left-Cerebral-White-Matter");
  CHECK(set.classes()[28] == "Right-VentralDC");

  // Class k of the tree is structure k; the 29th is none of them.
  const auto classes = made_up_label({48, 40, 40}, 29);
  const auto stored = set.load(set.at(0));
  CHECK(torch::equal(stored.label.value(), classes.masked_fill(classes == 29, 0)));
  // Stored P, S, L: along the patient's S, P, L, in the middle of [160, 128, 160].
  const auto sample = set.get(0);
  REQUIRE(sample.image.sizes() == std::vector<std::int64_t>{1, 160, 128, 160});
  const auto middle = sample.label.value().slice(1, 60, 100).slice(2, 40, 88).slice(3, 60, 100);
  CHECK(torch::equal(middle, stored.label.value().transpose(1, 2).to(torch::kInt64)));
  CHECK(sample.label->sum().item<std::int64_t>() == middle.sum().item<std::int64_t>());
  const auto image = made_up_image(classes, 30, 1).to(torch::kFloat).transpose(1, 2);
  const auto scaled = (image - image.min()) / (image.max() - image.min());
  const auto seen = sample.image.slice(1, 60, 100).slice(2, 40, 88).slice(3, 60, 100);
  CHECK((seen - scaled).abs().max().item<double>() < 1e-6);
  CHECK(datasets::orientation_code(sample.geometry) == "LPS");

  const auto outside = set.read(folder / "SchizBull_2008/HC/HC_001/HC_001_procimg.nii.gz");
  CHECK(torch::equal(outside.image, sample.image));
  CHECK((set.paper_counts() == datasets::SplitCounts{{40, 20, 43}}));
  // 8 subjects in the proportions 40 : 20 : 43.
  CHECK(set.indices(Split::train).size() == 3);
  CHECK(set.indices(Split::validation).size() == 2);
  CHECK(set.indices(Split::test).size() == 3);
}

TEST_CASE("CANDI under the names of its copies, doubled, and below its parent", "[candi]") {
  for (const auto names : {CandiNames::underscore, CandiNames::dot, CandiNames::nitrc}) {
    const TemporaryFolder folder;
    make_candi_tree(folder / "SchizBull_2008/SchizBull_2008", 1, names);
    for (const auto* root : {".", "SchizBull_2008", "SchizBull_2008/SchizBull_2008"}) {
      Candi set(options(folder / root));
      const auto listing = set.list();
      CHECK(listing.problems.empty());
      REQUIRE(listing.cases.size() == 4);
      CHECK(set.load(listing.cases[0]).label->max().item<int>() == 28);
      CHECK_THAT(listing.layout,
                 Contains(names == CandiNames::nitrc ? "anat and seg" : "procimg and seg"));
      REQUIRE(listing.counts.size() == 5);
      CHECK(listing.counts[1].what == "subjects of BPDwoPsy");
      CHECK(listing.counts[1].official == 35);
      CHECK(listing.counts[1].found == 1);
      CHECK(listing.counts[4].official == 103);
      CHECK(listing.counts[4].found == 4);
    }
  }
}

TEST_CASE("what is wrong with CANDI is told with its path", "[candi][errors]") {
  const TemporaryFolder folder;
  make_candi_tree(folder.path(), 2);
  const auto o = options(folder.path());
  const auto subject = folder / "HC/HC_001";
  fs::remove(subject / "HC_001_seg.nii.gz");
  fs::remove(folder / "SS/SS_084/SS_084_procimg.nii.gz");
  const auto listing = Candi(o).list();
  CHECK(listing.cases.size() == 6);
  REQUIRE(listing.problems.size() == 2);
  CHECK(listing.problems[0] ==
        subject.string() +
            ": has no HC_001_seg.nii.gz, HC_001.seg.nii.gz or seg.nii.gz; add "
            "it, or take the subject out");
  CHECK(listing.problems[1] == (folder / "SS/SS_084").string() +
                                   ": has no SS_084_procimg.nii.gz or anat.nii.gz; add it, or take "
                                   "the subject out");
  write_volume(torch::zeros({1, 8, 8, 8}, torch::kUInt8), {1, 1, 1},
               folder / "HC/HC_002/HC_002_seg.nii.gz");
  CHECK_THROWS_WITH(Candi(o).load(listing.cases[0]),
                    Contains("HC_002_seg.nii.gz: mask is 8x8x8, but its image"));
  write_file(folder / "HC_demographics.csv", "Name,Age\nHC_001,5\n");
  CHECK_THROWS_WITH(Candi(o).list(), Contains("HC_demographics.csv:1: has no column 'Subject'"));
  CHECK_THROWS_WITH(Candi(options(folder / "HC/HC_002")).list(),
                    Contains("does not look like this set; expected HC, BPDwoPsy, BPDwPsy and SS"));
}
