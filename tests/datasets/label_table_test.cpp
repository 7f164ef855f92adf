#include "support/catch.h"

#include "files.h"

#include "covector/core/error.h"
#include "covector/datasets/geometry.h"
#include "covector/datasets/label_table.h"

#include <torch/types.h>

using namespace covector;
using namespace covector::datasets;
using namespace covector::testing;
using Catch::Matchers::Contains;

namespace {

using Names = std::vector<std::string>;

at::Tensor row(std::vector<std::int64_t> values) {
  return torch::tensor(values, torch::kInt64).view({1, 1, -1});
}

}  // namespace

TEST_CASE("a table makes classes, rows of one name make one", "[datasets][labels]") {
  const TemporaryFolder folder;
  write_file(folder / "t.csv",
             "value,name,note\n10,lung,\"left, upper\"\n0,nothing,\n7,heart,\n11,lung,lower\n");
  const LabelTable table({"t.csv", {}, "error"}, folder.path());
  CHECK(table.classes() == Names{"nothing", "lung", "heart"});
  CHECK(torch::equal(table.classes_of(row({0, 7, 10, 11}), "m.png"),
                     row({0, 2, 1, 1}).to(torch::kUInt8)));
  CHECK_THROWS_WITH(table.classes_of(row({0, 8}), "m.png"),
                    "m.png: label value 8 is not among those listed (0, 7, 10, 11); complete the "
                    "label table, or set labels.unlisted = \"background\"");
  CHECK_THROWS_WITH(table.classes_of(row({-1}), "m.png"), Contains("m.png: label value -1 is not"));
  CHECK_THROWS_WITH(table.classes_of(torch::full({1, 1, 1}, 0.5), "m.nii"),
                    Contains("m.nii: label value 0.5 is not among"));
}

TEST_CASE("groups pick values, or structures of a table", "[datasets][labels]") {
  const TemporaryFolder folder;
  write_file(folder / "t.csv", "value,name\n1,spleen\n2,kidney_right\n3,kidney_left\n");
  const LabelTable table(
      {"t.csv", {{"kidney", {}, {"kidney_left", "kidney_right"}}, {"rest", {9}, {}}}, "background"},
      folder.path());
  CHECK(table.classes() == Names{"background", "kidney", "rest"});
  CHECK(torch::equal(table.classes_of(row({0, 1, 2, 3, 9, 60000}), "m.png"),
                     row({0, 0, 1, 1, 2, 0}).to(torch::kUInt8)));
  CHECK_THROWS_WITH(LabelTable({"t.csv", {{"liver", {}, {"liver"}}}, "error"}, folder.path()),
                    Contains("t.csv: no structure 'liver' for the class 'liver'"));
  CHECK_THROWS_WITH(LabelTable({"", {{"a", {1}, {}}, {"b", {2, 1}, {}}}, "error"}, {}),
                    "labels: value 1 is given to 'a' and to 'b'; list it once");
}

TEST_CASE("tables that cannot be used say where", "[datasets][labels][errors]") {
  const TemporaryFolder folder;
  const auto problem = [&](const std::string& text, const std::string& words) {
    write_file(folder / "t.csv", text);
    CHECK_THROWS_WITH(LabelTable({"t.csv", {}, "error"}, folder.path()), Contains(words));
  };
  problem("value,label\n1,a\n", "t.csv:1: has no column 'name'");
  problem("value,name\n1,a\nx,b\n", "t.csv:3: 'x' is no label value");
  problem("value,name\n1\n", "t.csv:2: has 1 cells, the header has 2");
  problem("", "t.csv: is empty; it needs a header row");
  CHECK_THROWS_WITH(LabelTable({"none.csv", {}, "error"}, folder.path()),
                    Contains("none.csv: cannot be opened; check the path"));
}

TEST_CASE("columns at the end of a table that are empty are passed over", "[datasets][labels]") {
  const TemporaryFolder folder;
  write_file(folder / "t.csv", "value,name,,\n1,a,,\n2,b\n");
  const LabelTable table({"t.csv", {}, "error"}, folder.path());
  CHECK(table.classes() == std::vector<std::string>{"background", "a", "b"});
  write_file(folder / "t.csv", "value,name,\n1,a,b\n");
  CHECK_THROWS_WITH(LabelTable({"t.csv", {}, "error"}, folder.path()),
                    Contains("t.csv:2: has 3 cells, the header has 2"));
}

TEST_CASE("masks must be masks, and fit their image", "[datasets][labels]") {
  const TemporaryFolder folder;
  const auto gray = torch::tensor({{0, 1}, {2, 3}}, torch::kUInt8).unsqueeze(0);
  write_png(gray.expand({3, 2, 2}).contiguous(), folder / "m.png");
  CHECK(torch::equal(read_mask(folder / "m.png").pixels, gray));
  write_png(torch::cat({gray, gray, gray + 1}), folder / "c.png");
  CHECK_THROWS_WITH(read_mask(folder / "c.png"),
                    Contains("c.png: is a colour picture, not a mask"));

  const Image mask{torch::zeros({1, 2, 3}), {}, {}};
  const Image image{torch::zeros({3, 4, 3}), {}, {}};
  CHECK_THROWS_WITH(
      check_mask_fits(mask, "m.png", image, "i.png"),
      "m.png: mask is 2x3, but its image i.png is 4x3; they must be on the same grid");
  Image here{torch::zeros({1, 2, 2, 2}), unit_geometry(3), {}};
  auto there = here;
  there.geometry.origin_mm = {0, 3, 4};
  CHECK_NOTHROW(check_mask_fits(here, "m.nii", here, "i.nii"));
  CHECK_THROWS_WITH(check_mask_fits(there, "m.nii", here, "i.nii"),
                    "m.nii: mask lies 5 mm away from its image i.nii; resample it onto the image's "
                    "grid");
}

TEST_CASE("a set with labels of its own refuses others", "[datasets][labels][errors]") {
  const LabelTable table(std::vector<LabelGroup>{{"vein", {1}, {}}, {"kidney", {7}, {}}});
  CHECK(table.classes() == std::vector<std::string>{"background", "vein", "kidney"});
  CHECK_THROWS_WITH(
      table.classes_of(torch::full({1, 1}, 5, torch::kUInt8), "0.nii"),
      "0.nii: label value 5 is not among those listed (0, 1, 7); it is no label of this "
      "set: fetch the file again, or take it out");
}
