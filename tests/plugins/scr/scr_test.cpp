#include "support/catch.h"

#include "datasets/files.h"
#include "support/datasets/scr_tree.h"

#include "jsrt.h"
#include "scr.h"

#include "covector/core/error.h"

#include <torch/types.h>

using namespace covector;
using namespace covector::scr;
using namespace covector::testing;
using Catch::Matchers::Contains;

namespace {

using Names = std::vector<std::string>;

Scr opened(const std::filesystem::path& root, const std::string& on_error = "stop") {
  Options options;
  options.root = root.string();
  options.on_error = on_error;
  Scr set(options);
  set.open();
  return set;
}

Names ids(const Scr& set) {
  Names out;
  for (std::int64_t i = 0; i < set.size(); ++i) out.push_back(set.id(i));
  return out;
}

/// Once for all tests that only read it: two radiographs with a nodule, two without.
const std::filesystem::path& tree() {
  static const TemporaryFolder folder;
  static const bool made = (make_scr_tree(folder.path(), ScrLayout::all_images, 2), true);
  static_cast<void>(made);
  return folder.path();
}

void fill(at::Tensor& label, const Box& box, int number, std::int64_t times) {
  label.slice(1, box.top * times, box.bottom * times)
      .slice(2, box.left * times, box.right * times)
      .fill_(number);
}

/// Clavicles over the heart over the lungs, drawn on a grid `times` as fine as that of the masks.
at::Tensor expected_label(std::int64_t times) {
  auto label = torch::zeros({1, 1024 * times, 1024 * times}, torch::kUInt8);
  for (const auto* lung : {"left lung", "right lung"}) fill(label, scr_box(lung), 2, times);
  fill(label, scr_box("heart"), 1, times);
  for (const auto* side : {"left clavicle", "right clavicle"}) fill(label, scr_box(side), 3, times);
  return label;
}

}  // namespace

TEST_CASE("a radiograph of JSRT is big-endian and dark where it is large", "[scr]") {
  const auto image = read_jsrt(tree() / "All247images/JPCNN002.IMG");
  REQUIRE(image.size() == std::vector<std::int64_t>{2048, 2048});
  CHECK(image.pixels.scalar_type() == torch::kUInt16);
  CHECK(image.info.bits_stored == 12);
  CHECK(image.geometry.spacing_mm == std::vector<double>{0.175, 0.175});
  const auto values = image.pixels.to(torch::kInt32);
  // Outside; one lung; heart over lung. 300 + 900 n + number + (row + column) mod 16.
  CHECK(values[0][0][0].item<int>() == 302);
  CHECK(values[0][700][300].item<int>() == 300 + 900 + 2 + 1000 % 16);
  CHECK(values[0][1100][850].item<int>() == 300 + 1800 + 2 + 1950 % 16);
}

TEST_CASE("masks of half the size lie over the image, clavicles over heart over lungs", "[scr]") {
  const auto set = opened(tree());
  CHECK(ids(set) == Names{"JPCLN001", "JPCLN002", "JPCNN001", "JPCNN002"});
  CHECK(set.classes() == Names{"background", "heart", "lung", "clavicle"});
  const auto stored = set.load(set.at(0));
  REQUIRE(stored.label);
  CHECK(torch::equal(*stored.label, expected_label(2)));
  // Every value is in [0, 1] over 12 bits, and pixel (64, 64) of 512 covers 4 x 4 of the same value
  // but for the texture of 0 to 15.
  const auto sample = set.get(0);
  CHECK(sample.image.sizes() == std::vector<std::int64_t>{1, 512, 512});
  const auto background = sample.image[0][0][64].item<double>() * 4095;
  CHECK(background >= 301);
  CHECK(background <= 316);
  CHECK(torch::equal(*sample.label,
                     stored.label->slice(1, 2, 2048, 4).slice(2, 2, 2048, 4).to(torch::kInt64)));
}

TEST_CASE("every layout of JSRT and SCR is recognised, also below another folder", "[scr]") {
  const TemporaryFolder folder;
  make_scr_tree(folder / "SCR/SCR", ScrLayout::two_archives, 1);
  const auto set = opened(folder.path());
  CHECK(ids(set) == Names{"JPCLN001", "JPCNN001"});
  Options options;
  options.root = folder.path().string();
  const auto listing = Scr(options).list();
  CHECK_THAT(listing.layout, Contains("JSRT .IMG"));
  REQUIRE(listing.counts.size() == 7);
  CHECK(listing.counts[0].what == "images with a nodule");
  CHECK(listing.counts[0].official == 154);
  CHECK(listing.counts[0].found == 1);
  CHECK(listing.counts[1].official == 93);
  CHECK(listing.counts[2].official == 247);
  CHECK(listing.counts[2].found == 2);
}

TEST_CASE("the pictures of GEMINI keep their parts, and those without masks are left out",
          "[scr]") {
  const TemporaryFolder folder;
  make_scr_tree(folder.path(), ScrLayout::gemini, 2);
  const auto set = opened(folder.path());
  CHECK(ids(set) == Names{"JPCLN001", "JPCLN002", "JPCNN001", "JPCNN002"});
  CHECK(set.split_of(0) == Split::train);
  CHECK(set.split_of(1) == Split::train);
  CHECK(set.split_of(2) == Split::test);
  Options options;
  options.root = folder.path().string();
  const auto notes = Scr(options).list().notes;
  REQUIRE(notes.size() == 1);
  CHECK(notes[0] ==
        (folder / "train/unlabeled/image").string() + " is left out: its images have no masks");
  const auto stored = set.load(set.at(3));
  CHECK(stored.image.size() == std::vector<std::int64_t>{512, 512});
  CHECK(torch::equal(*stored.label, expected_label(1).slice(1, 0, 1024, 2).slice(2, 0, 1024, 2)));
}

TEST_CASE("the parts of SCR have the paper's sizes", "[scr]") {
  Options options;
  options.root = "x";
  CHECK((Scr(options).paper_counts() == datasets::SplitCounts{{100, 47, 100}}));
  // 4 images: 100, 47 and 100 of 247 are 1.62, 0.76 and 1.62. One to train, one to test, one to
  // validate, and the last to train again.
  const TemporaryFolder folder;
  make_scr_tree(folder.path(), ScrLayout::gemini, 4);
  std::filesystem::rename(folder / "train/labeled", folder / "all");
  std::filesystem::remove_all(folder / "test");
  std::filesystem::remove_all(folder / "train");
  const auto set = opened(folder.path());
  CHECK(set.indices(Split::train).size() == 2);
  CHECK(set.indices(Split::validation).size() == 1);
  CHECK(set.indices(Split::test).size() == 1);
}

TEST_CASE("what is wrong with JSRT or SCR is told", "[scr][errors]") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& words) {
    CHECK_THROWS_AS(opened(folder.path()), DataError);
    CHECK_THROWS_WITH(opened(folder.path()), Contains(words));
  };
  refused(folder.path().string() + ": holds neither JPCLN001.IMG and so on of JSRT");
  write_file(folder / "All247images/JPCLN001.IMG", "short");
  refused("holds images of JSRT, but no masks of SCR; expected fold1/masks/heart/JPCLN001.gif");
  CHECK_THROWS_WITH(read_jsrt(folder / "All247images/JPCLN001.IMG"),
                    Contains("JPCLN001.IMG: has 5 bytes, a radiograph of JSRT has 8388608"));
  CHECK_THROWS_WITH(read_jsrt(folder / "none.IMG"), Contains("none.IMG: cannot be opened"));
  write_file(folder / "swapped.IMG", std::string(2 * 2048 * 2048, '\x10'));
  CHECK_THROWS_WITH(read_jsrt(folder / "swapped.IMG"),
                    Contains("swapped.IMG: holds the value 4112, radiographs of JSRT end at 4095"));
  std::filesystem::remove_all(folder / "swapped.IMG");

  make_scr_tree(folder.path(), ScrLayout::all_images, 1);
  std::filesystem::remove(folder / "scratch/fold1/masks/left lung/JPCLN001.gif");
  std::filesystem::remove(folder / "All247images/JPCNN001.IMG");
  refused(
      "JPCLN001.IMG: has no mask left lung/JPCLN001.gif of SCR; add it, or take the image out "
      "(and 1 more");
  Options options;
  options.root = folder.path().string();
  CHECK_THAT(Scr(options).list().problems.at(1),
             Contains("JPCNN001.gif: there is no image JPCNN001.IMG to it"));
  write_file(folder / "copy/JPCLN001.IMG", "x");
  refused("JPCLN001.IMG: is there twice, also as ");
}

TEST_CASE("a mask that does not fit is refused by name", "[scr][errors]") {
  const TemporaryFolder folder;
  make_scr_tree(folder.path(), ScrLayout::gemini, 1);
  const auto heart = folder / "train/labeled/label/heart/JPCLN001.png";
  const auto problem = [&](const std::string& words) {
    const auto set = opened(folder.path());
    CHECK_THROWS_WITH(set.get(0), Contains(words));
  };
  datasets::write_png(torch::full({1, 512, 512}, 7, torch::kUInt8), heart);
  problem(heart.string() + ": label value 7 is not among those listed (0, 1, 255)");
  datasets::write_png(torch::zeros({1, 512, 500}, torch::kUInt8), heart);
  problem(heart.string() + ": has another size than the other masks of its image");
  for (const auto* name : {"heart", "lung", "clavicle"})
    datasets::write_png(torch::zeros({1, 300, 300}, torch::kUInt8),
                        folder / ("train/labeled/label/" + std::string(name) + "/JPCLN001.png"));
  problem("mask is 300x300, but its image");
  std::filesystem::remove(heart);
  CHECK_THROWS_WITH(opened(folder.path()), Contains("JPCLN001.png: has no mask " + heart.string()));
  std::filesystem::remove_all(folder / "test/labeled/image");
  CHECK_THROWS_WITH(opened(folder.path()), Contains("image: is no folder; it belongs beside"));
}
