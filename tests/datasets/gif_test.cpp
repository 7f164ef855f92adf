#include "support/catch.h"

#include "files.h"

#include "covector/core/error.h"
#include "covector/datasets/file_search.h"
#include "covector/datasets/image.h"

#include <torch/types.h>

using namespace covector;
using namespace covector::datasets;
using namespace covector::testing;
using Catch::Matchers::Contains;

namespace {

// Written by Pillow 13. 5 columns, 9 rows, interlaced; pixel (r, c) has index (5 r + c) mod 4 of
// the colours black, red, green, (10, 20, 30).
const std::string kColours = bytes_of_hex(
    "47494638376105000900810000000000ff000000ff000a141e2c000000000500090000081600010410304020418305"
    "07263ca810a1c386100f0604003b");
// 6 columns, 4 rows. Index 0 is white and 1 is black; white are rows 1 and 2 of columns 2 to 4.
const std::string kWhiteFirst = bytes_of_hex(
    "47494638376106000400810000ffffff0000000000000000002c000000000600040000080f0003081c281080c18106"
    "01101c1810003b");

Image read_bytes(const TemporaryFolder& folder, const std::string& bytes,
                 Palette palette = Palette::colours) {
  write_file(folder / "a.gif", bytes);
  return read_image(folder / "a.gif", palette);
}

}  // namespace

TEST_CASE("an interlaced GIF, as colours and as indices", "[datasets][gif]") {
  const TemporaryFolder folder;
  const auto index = torch::arange(45, torch::kInt64).remainder(4).view({9, 5});
  const auto colours = torch::tensor({0, 0, 0, 255, 0, 0, 0, 255, 0, 10, 20, 30}).view({4, 3});
  const auto image = read_bytes(folder, kColours);
  CHECK(image.info.format == "GIF");
  CHECK(image.pixels.scalar_type() == torch::kUInt8);
  CHECK(image.geometry.spacing_mm.empty());
  CHECK(torch::equal(image.pixels.to(torch::kInt64), colours.index({index}).permute({2, 0, 1})));
  const auto indices = read_bytes(folder, kColours, Palette::indices);
  CHECK(torch::equal(indices.pixels.to(torch::kInt64), index.unsqueeze(0)));
  CHECK(read_header(folder / "a.gif").size() == std::vector<std::int64_t>{9, 5});
  CHECK(image_stem("x/JPCLN001.gif") == "JPCLN001");
  CHECK(find_images(folder.path(), 2).size() == 1);
}

TEST_CASE("a GIF of gray colours has one channel, whatever the order of its table",
          "[datasets][gif]") {
  const TemporaryFolder folder;
  auto expected = torch::zeros({1, 4, 6}, torch::kUInt8);
  expected.slice(1, 1, 3).slice(2, 2, 5).fill_(255);
  CHECK(torch::equal(read_bytes(folder, kWhiteFirst).pixels, expected));
}

TEST_CASE("a GIF that cannot be used is refused with the reason", "[datasets][gif][errors]") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& bytes, const std::string& words) {
    CHECK_THROWS_AS(read_bytes(folder, bytes), DataError);
    CHECK_THROWS_WITH(read_bytes(folder, bytes), Contains(words));
  };
  refused("", (folder / "a.gif").string() + ": cannot be read as GIF (");
  refused("GIF87", "the file is damaged or truncated, fetch it again");
  for (std::size_t length = 6; length + 1 < kColours.size(); ++length)
    refused(kColours.substr(0, length), "cannot be read as GIF (");
  // The picture's descriptor stands behind the header of 13 bytes and the table of 4 colours:
  // 0x2C, left, top, width, height.
  auto moved = kColours;
  moved[26] = 1;
  refused(moved, "its picture covers only a part of its area");
  auto huge = kColours;
  for (const std::size_t high : {7, 9, 31, 33}) huge[high] = '\x7F';
  refused(huge, "it is cut short: too small for its 32517 x 32521 pixels");
  refused(kColours.substr(0, 25) + ";", "it holds no picture");
  refused(kColours.substr(0, kColours.size() - 1) + kColours.substr(25),
          "it holds several pictures, an animation");
  // Bit 7 of byte 10: a table of colours follows.
  auto bare = kColours;
  bare[10] = 0x01;
  bare.erase(13, 12);
  refused(bare, "it has no table of colours");
  // A table of 2 colours, for indices up to 3.
  auto narrow = kColours;
  narrow[10] = static_cast<char>(narrow[10] & ~7);
  narrow.erase(19, 6);
  refused(narrow, "a pixel has colour 2, and the table of colours ends at 1");
  CHECK_THROWS_WITH(write_image({torch::zeros({1, 2, 2}, torch::kUInt8), {}, {}}, folder / "b.gif"),
                    Contains("b.gif: images are written as .nii"));
}
