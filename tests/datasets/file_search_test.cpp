#include "support/catch.h"

#include "datasets/files.h"

#include "covector/datasets/file_search.h"

using namespace covector::datasets;
using namespace covector::testing;
using Catch::Matchers::Contains;

TEST_CASE("names are ordered as people count", "[files]") {
  CHECK(natural_less("case2", "case10"));
  CHECK_FALSE(natural_less("case10", "case2"));
  CHECK(natural_less("a9b2", "a9b10"));
  CHECK(natural_less("a", "a1"));
  CHECK(natural_less("x007", "x8"));
  CHECK(natural_less("01", "1"));
  CHECK_FALSE(natural_less("1", "1"));
}

TEST_CASE("folders by how their names start, as people count", "[files]") {
  const TemporaryFolder folder;
  for (const auto* name : {"sub-10/a", "sub-9/a", "group/sub-1/a", "sub-3"})
    write_file(folder / name, "");
  using Folders = std::vector<std::filesystem::path>;
  CHECK(find_folders(folder.path(), "sub-") == Folders{folder / "sub-9", folder / "sub-10"});
  CHECK(find_folders(folder.path(), "ses-").empty());
}

TEST_CASE("a set is found in its root, in a doubled root and below its parent", "[files]") {
  const TemporaryFolder folder;
  const auto find = [&](const std::string& root) {
    return find_set(
        folder / root,
        [](const std::filesystem::path& path) {
          return std::filesystem::exists(path / "image" / "0.png");
        },
        "image/0.png");
  };
  write_file(folder / "sets/kidneys/kidneys/image/0.png", "");
  write_file(folder / "sets/__MACOSX/kidneys/image/0.png", "");
  write_file(folder / "sets/.trash/image/0.png", "");
  const auto place = folder / "sets/kidneys/kidneys";
  CHECK(find("sets/kidneys/kidneys") == place);
  CHECK(find("sets/kidneys") == place);
  CHECK(find("sets") == place);
  CHECK_THROWS_WITH(find("."), Contains(": does not look like this set; expected image/0.png, here "
                                        "or up to two folders below"));
  CHECK_THROWS_WITH(find("none"), Contains((folder / "none").string() + ": is no folder"));
  write_file(folder / "sets/kidneys/copy/image/0.png", "");
  CHECK_THROWS_WITH(find("sets"), (folder / "sets").string() + ": holds the set twice, in " +
                                      (folder / "sets/kidneys/copy").string() + " and in " +
                                      place.string() + "; set root to one of them");
}
