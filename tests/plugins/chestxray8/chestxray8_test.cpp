#include "support/catch.h"

#include "datasets/files.h"
#include "support/datasets/chestxray8_tree.h"

#include "chestxray8.h"

#include "covector/core/error.h"

#include <torch/types.h>

using namespace covector;
using namespace covector::chestxray8;
using namespace covector::testing;
using Catch::Matchers::Contains;

namespace {

using Names = std::vector<std::string>;

Options options(const std::filesystem::path& root, const std::string& view = "all") {
  Options o;
  o.root = root.string();
  o.view = view;
  o.prepare.size = {32, 32};
  return o;
}

Chestxray8 opened(const Options& o) {
  Chestxray8 set(o);
  set.open();
  return set;
}

Names ids(const Chestxray8& set) {
  Names out;
  for (std::int64_t i = 0; i < set.size(); ++i) out.push_back(set.id(i));
  return out;
}

}  // namespace

TEST_CASE("every layout of ChestX-ray8 gives the same images and patients", "[chestxray8]") {
  const Names all{"00000001_000", "00000001_001", "00000002_000",
                  "00000002_001", "00000003_000", "00000003_001"};
  const std::vector<std::pair<NihLayout, std::string>> layouts{
      {NihLayout::nih, "NIH, Data_Entry_2017_v2020.csv"},
      {NihLayout::nih_apart, "NIH, Data_Entry_2017_v2020.csv"},
      {NihLayout::kaggle, "Kaggle, Data_Entry_2017.csv"},
      {NihLayout::gemini, "sorted by view and sex, as GEMINI has it"}};
  for (const auto& [layout, name] : layouts) {
    INFO(name);
    const TemporaryFolder folder;
    make_chestxray8_tree(folder / "ChestX-ray8/ChestX-ray8", layout, 3);
    const auto set = opened(options(folder.path()));
    CHECK(ids(set) == all);
    CHECK(set.patient(3) == "00000002");
    CHECK(set.classes().empty());
    CHECK(set.indices(Split::train).size() == 6);  // all pretrain
    CHECK(ids(opened(options(folder.path(), "AP"))) == Names{all[0], all[2], all[4]});
    CHECK(ids(opened(options(folder.path(), "PA"))) == Names{all[1], all[3], all[5]});
    const auto listing = Chestxray8(options(folder.path())).list();
    CHECK(listing.layout == name);
    REQUIRE(listing.counts.size() == 4);
    CHECK(listing.counts[0].official == 112120);
    CHECK(listing.counts[0].found == 6);
    CHECK(listing.counts[1].official == 30805);
    CHECK(listing.counts[1].found == 3);
    CHECK(listing.counts[2].official + listing.counts[3].official == 112120);
    CHECK(listing.counts[2].found == 3);
  }
}

TEST_CASE("gray PNGs and those of four channels become one channel in [0, 1]", "[chestxray8]") {
  const TemporaryFolder folder;
  make_chestxray8_tree(folder.path(), NihLayout::nih, 2);
  const auto set = opened(options(folder.path()));
  CHECK(set.load(set.at(0)).image.pixels.size(0) == 1);
  CHECK(set.load(set.at(2)).image.pixels.size(0) == 4);
  // (i (patient + 1) + 50 image) mod 251 of pixel i.
  const auto pixel = torch::arange(32 * 32, torch::kInt64).view({1, 32, 32});
  CHECK(torch::allclose(set.get(1).image, ((pixel * 2 + 50) % 251).to(torch::kFloat) / 255));
  CHECK(torch::allclose(set.get(2).image, ((pixel * 3) % 251).to(torch::kFloat) / 255));
  Options o;
  CHECK(o.prepare.size == std::vector<std::int64_t>{512, 512});
}

TEST_CASE("ChestX-ray8 splits by the official lists, and drawn by patient", "[chestxray8]") {
  const TemporaryFolder folder;
  make_chestxray8_tree(folder.path(), NihLayout::kaggle, 5);
  auto o = options(folder.path());
  o.split.by = "lists";
  o.split.train = "train_val_list.txt";
  o.split.test = "test_list.txt";
  const auto set = opened(o);
  CHECK(set.indices(Split::train).size() == 8);
  CHECK(set.indices(Split::test) == std::vector<std::int64_t>{8, 9});
  o.split = {};
  o.split.by = "fractions";
  o.split.fractions = {0.6, 0.2, 0.2};
  const auto drawn = opened(o);
  CHECK(drawn.indices(Split::train).size() == 6);
  const auto test = drawn.indices(Split::test);
  REQUIRE(test.size() == 2);
  CHECK(drawn.patient(test[0]) == drawn.patient(test[1]));
}

TEST_CASE("images without a table have patients, but no views", "[chestxray8]") {
  const TemporaryFolder folder;
  make_chestxray8_tree(folder.path(), NihLayout::nih, 2);
  const auto with_table = opened(options(folder.path())).fingerprint();
  std::filesystem::remove(folder / "Data_Entry_2017_v2020.csv");
  const auto set = opened(options(folder.path()));
  CHECK(set.size() == 4);
  CHECK(set.patient(2) == "00000002");
  CHECK(set.fingerprint() != with_table);
  CHECK_THROWS_AS(opened(options(folder.path(), "AP")), DataError);
  CHECK_THROWS_WITH(opened(options(folder.path(), "AP")),
                    Contains("has no Data_Entry_2017_v2020.csv or Data_Entry_2017.csv, which tells "
                             "AP from PA"));
}

TEST_CASE("what is wrong with ChestX-ray8 is told", "[chestxray8][errors]") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& words) {
    CHECK_THROWS_AS(opened(options(folder.path())), DataError);
    CHECK_THROWS_WITH(opened(options(folder.path())), Contains(words));
  };
  refused(folder.path().string() + ": does not look like this set; expected images (NIH's");
  make_chestxray8_tree(folder.path(), NihLayout::kaggle, 2);
  const auto table = folder / "Data_Entry_2017.csv";
  const auto text = read_file(table);
  write_file(folder / "images_001/images/scan.png", "x");
  refused("scan.png: no name of this set, so its patient is not known (00000001_000.png)");
  std::filesystem::remove(folder / "images_001/images/scan.png");
  write_file(folder / "images_001/images/00000009_000.png", "x");
  refused("00000009_000.png: has no row in " + table.string());
  std::filesystem::remove(folder / "images_001/images/00000009_000.png");
  std::filesystem::copy(folder / "images_001/images/00000001_000.png",
                        folder / "images_002/images/00000001_000.png");
  refused("00000001_000.png: is there twice, also as ");
  std::filesystem::remove(folder / "images_002/images/00000001_000.png");
  const auto changed = [&](const std::string& from, const std::string& to) {
    auto other = text;
    other.replace(other.find(from), from.size(), to);
    write_file(table, other);
  };
  changed(",0,1,58", ",0,7,58");
  refused(table.string() + ":2: '00000001_000.png' is no image of patient '7'");
  changed(",AP,", ",LL,");
  refused(table.string() + ":2: 'LL' is no view, AP or PA");
  changed("View Position", "View");
  refused(table.string() + ":1: has no column 'View Position'");
  CHECK_THROWS_WITH(schema_of<Options>().parse({{"root", "x"}, {"view", "LL"}}, "dataset"),
                    Contains("'view' must be one of \"all\", \"AP\", \"PA\""));
}
