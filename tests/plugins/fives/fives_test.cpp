#include "support/catch.h"

#include "datasets/files.h"
#include "support/datasets/fives_tree.h"

#include "fives.h"

#include "covector/core/error.h"

#include <torch/types.h>

using namespace covector;
using namespace covector::fives;
using namespace covector::testing;
using Catch::Matchers::Contains;

namespace {

Options options(const std::filesystem::path& root) {
  Options o;
  o.root = root.string();
  return o;
}

Fives opened(const Options& o) {
  Fives set(o);
  set.open();
  return set;
}

/// Of channel `channel` of photograph 1.
at::Tensor expected(int channel) {
  auto picture = torch::empty({1, 32, 32});
  for (std::int64_t row = 0; row < 32; ++row)
    for (std::int64_t column = 0; column < 32; ++column)
      picture[0][row][column] = static_cast<float>(fives_value(channel, row, column, 1));
  return picture;
}

}  // namespace

TEST_CASE("FIVES from its doubled folder: green, and masks of RGB or gray", "[fives]") {
  const TemporaryFolder folder;
  make_fives_tree(folder.path(), 2);
  auto o = options(folder.path());
  o.prepare.size = {32, 32};
  const auto set = opened(o);
  REQUIRE(set.size() == 12);
  CHECK(set.id(0) == "train_1_A");
  CHECK(set.id(8) == "test_1_A");
  CHECK(set.classes() == std::vector<std::string>{"background", "vessel"});
  auto sample = set.get(0);
  CHECK(torch::allclose(sample.image, expected(1) / 255));
  auto vessels = torch::zeros({1, 32, 32}, torch::kInt64);
  vessels.slice(1, 1, 32, 8).fill_(1);
  CHECK(torch::equal(*sample.label, vessels));
  // 4_N has a gray mask: rows 4, 12, 20, 28.
  vessels.zero_().slice(1, 4, 32, 8).fill_(1);
  CHECK(set.id(3) == "train_4_N");
  CHECK(set.load(set.at(3)).image.pixels.size(0) == 3);
  CHECK(torch::equal(*set.get(3).label, vessels));
  o.prepare.colour = "luma";
  const auto luma = 0.299 * expected(0) + 0.587 * expected(1) + 0.114 * expected(2);
  CHECK(torch::allclose(opened(o).get(0).image, luma / 255, 1e-5, 1e-6));
  CHECK(opened(options(folder.path())).get(0).image.size(2) == 512);
}

TEST_CASE("the parts and counts of FIVES", "[fives]") {
  const TemporaryFolder folder;
  make_fives_tree(folder.path(), 5);
  auto o = options(folder.path());
  const auto set = opened(o);
  CHECK((set.paper_counts() == datasets::SplitCounts{{540, 60, 200}}));
  // 20 to share out at 540 : 60, the 4 of test as they are.
  CHECK(set.indices(Split::train).size() == 18);
  CHECK(set.indices(Split::validation).size() == 2);
  CHECK(set.indices(Split::test).size() == 4);
  for (const auto i : set.indices(Split::test)) CHECK(set.at(i).stem.starts_with("test/"));
  const auto counts = Fives(o).list().counts;
  REQUIRE(counts.size() == 6);
  CHECK(counts[0].official == 600);
  CHECK(counts[0].found == 20);
  CHECK(counts[1].official == 200);
  CHECK(counts[1].found == 4);
  CHECK(counts[2].what == "photographs of kind N");
  CHECK(counts[2].official == 200);
  CHECK(counts[2].found == 6);
  o.split.by = "folders";
  const auto folders = opened(o);
  CHECK(folders.indices(Split::train).size() == 20);
  CHECK(folders.indices(Split::validation).empty());
}

TEST_CASE("what is wrong with FIVES is told", "[fives][errors]") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& words) {
    CHECK_THROWS_AS(opened(options(folder.path())), DataError);
    CHECK_THROWS_WITH(opened(options(folder.path())), Contains(words));
  };
  refused(folder.path().string() +
          ": does not look like this set; expected train and test, each with Original and \"Ground "
          "truth\"");
  make_fives_tree(folder.path(), 1);
  const std::string name = "FIVES A Fundus Image Dataset for AI-based Vessel Segmentation";
  const auto train = folder / (name + "/" + name + "/train");
  const auto mask = train / "Ground truth/1_A.png";
  datasets::write_png(torch::full({1, 32, 32}, 7, torch::kUInt8), mask);
  CHECK_THROWS_WITH(opened(options(folder.path())).get(0),
                    Contains(mask.string() + ": label value 7 is not among those listed (0, 255)"));
  datasets::write_png(torch::zeros({1, 16, 16}, torch::kUInt8), mask);
  CHECK_THROWS_WITH(opened(options(folder.path())).get(0),
                    Contains("mask is 16x16, but its image"));
  std::filesystem::remove(mask);
  refused("1_A.png: has no mask 1_A.png in " + (train / "Ground truth").string());
  std::filesystem::remove_all(train / "Ground truth");
  refused((train / "Ground truth").string() + ": is no folder; it belongs beside ");
}
