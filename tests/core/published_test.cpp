#include "support/catch.h"

#include "published.h"
#include "support/scratch_folder.h"

using namespace covector;
using covector::testing::ScratchFolder;

TEST_CASE("a file of published values is read", "[published]") {
  const ScratchFolder folder;
  const auto published = read_published(folder.write("table.toml",
                                                     "source = \"a paper, Table 1\"\n"
                                                     "[metrics]\nscr = \"DSC\"\nstoic = \"AUC\"\n"
                                                     "[[rows]]\nrow = \"scratch\"\n"
                                                     "values = { scr = 81.8, stoic = 72 }\n"
                                                     "[[rows]]\nrow = \"cover\"\n"
                                                     "backbone = \"unet\"\nsource = \"Table 3\"\n"
                                                     "values = { scr = 94.0 }\n"));
  REQUIRE(published.values.size() == 3);
  const auto* scratch = published.find("scratch", "", "stoic");
  REQUIRE(scratch);
  CHECK(scratch->metric == "AUC");
  CHECK(scratch->value == 72.0);
  CHECK(scratch->source == "a paper, Table 1");
  const auto* cover = published.find("cover", "unet", "scr");
  REQUIRE(cover);
  CHECK(cover->value == 94.0);
  CHECK(cover->source == "Table 3");
  CHECK_FALSE(published.find("cover", "unet", "stoic"));
  CHECK_FALSE(published.find("cover", "", "scr"));
}

TEST_CASE("what is wrong with a file of published values is told", "[published][errors]") {
  const ScratchFolder folder;
  const auto file = folder.write("table.toml",
                                 "[metrics]\nscr = \"DSC\"\n"
                                 "[[rows]]\nrow = \"a\"\nvalues = { scr = \"81.8\", fives = 1.0 }\n"
                                 "[[rows]]\nrow = \"b\"\nvalues = { scr = 1.0 }\n"
                                 "[[rows]]\nrow = \"b\"\nvalues = { scr = 2.0 }\n");
  using Catch::Contains;
  CHECK_THROWS_WITH(
      read_published(file),
      Contains("[published] is not valid:") &&
          Contains("needs 'source': the paper and the table") &&
          Contains(file.string() + ":5:18: 'scr' must be a number, got \"81.8\"") &&
          Contains(file.string() +
                   ":5:34: 'fives' has no metric; add it to [metrics], such as fives = \"DSC\"") &&
          Contains(file.string() + ":11:18: a second value of row 'b' on 'scr'"));
  CHECK_THROWS_WITH(read_published(folder / "none.toml"),
                    Contains((folder / "none.toml").string()));
}

TEST_CASE("the published values that come with the recipes", "[published]") {
  const auto folder = std::filesystem::path(COVECTOR_SOURCE_DIR) / "recipes/benchmark/published";
  const auto table1 = read_published(folder / "table1.toml");
  // ten rows of eight tasks, and COVER on the four in 2D
  CHECK(table1.values.size() == 84);
  // SimCLR: 89.0 + 94.7 + 74.4 + 84.5 in 2D, 89.2 + 53.4 + 78.9 + 60.7 in 3D
  double sum = 0;
  for (const auto& value : table1.values)
    if (value.row == "simclr") sum += value.value;
  CHECK(sum == Approx(342.6 + 282.2));
  const auto table3 = read_published(folder / "table3.toml");
  CHECK(table3.values.size() == 32);
  CHECK(table3.find("cover", "ukan", "fives")->value == 84.9);
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    for (const auto& value : read_published(entry.path()).values)
      CHECK_THAT(value.source, Catch::Contains("ICCV 2025"));
}
