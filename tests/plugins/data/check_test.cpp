#include "support/catch.h"

#include "made_up_set.h"

#include "findings.h"

#include "covector/core/error.h"

#include <nlohmann/json.hpp>

using namespace covector;
using namespace covector::testing;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

json checked(const std::vector<std::string>& arguments, int expected) {
  auto words = arguments;
  words.insert(words.begin(), "check");
  words.emplace_back("--json");
  const auto [code, text] = run_data(words);
  CHECK(code == expected);
  return json::parse(text);
}

}  // namespace

TEST_CASE("data check counts what a set holds", "[data][check]") {
  const TemporaryFolder folder;
  write_set(folder);
  const auto recipe = write_recipe(folder);
  const auto found = checked({"--recipe", recipe}, 0);
  CHECK(found["usable"] == true);
  CHECK(found["set"] == "image_folder");
  CHECK(found["images"] == 10);
  CHECK(found["readable"] == 10);
  CHECK(found["sizes"] == json({{"4 x 6", 10}}));
  CHECK(found["spacings_mm"] == json({{"not known", 10}}));
  CHECK(found["stored_types"] == json({{"uint8", 10}}));
  CHECK(found["formats"] == json({{"PNG", 10}}));
  CHECK(found["intensity"] == json({0, 113}));  // 0 .. 23 to 90 .. 113
  // 0 + 1 + ... + 9 = 45 of 240 pixels; the first image has none.
  CHECK(found["labels"][0] == json({{"class", "background"}, {"voxels", 195}, {"images", 10}}));
  CHECK(found["labels"][1] == json({{"class", "left"}, {"voxels", 45}, {"images", 9}}));
  CHECK(found["patients"] == 5);
  CHECK(found["splits"]["train"]["images"] == 6);
  CHECK(found["splits"]["train"]["patients"] == 3);
  CHECK(found["splits"]["validation"]["images"] == 2);
  CHECK(found["splits"]["test"]["patients"] == 1);
  CHECK(found["duplicates"].empty());
  CHECK(found["warnings"].empty());
  CHECK(found["split_problem"].is_null());

  const auto [code, text] = run_data({"check", "--recipe", recipe, "--jobs", "1"});
  CHECK(code == 0);
  CHECK_THAT(text, Contains("  images          10, of which 10 can be used\n"));
  CHECK_THAT(text, Contains("  size            4 x 6\n"));
  CHECK_THAT(text, Contains("  left            45 voxels in 9 images\n"));
  CHECK_THAT(text, Contains("  train           6 images, 3 patients\n"));
  CHECK_THAT(text, Contains("The set can be used."));
}

TEST_CASE("data check takes a set by name, and options", "[data][check]") {
  const TemporaryFolder folder;
  write_set(folder);
  const auto root = folder.path().string();
  const auto found = checked({"image_folder", root, "--set", "dataset.images=images", "-s",
                              "dataset.split.fractions=[0.5, 0, 0.5]"},
                             0);
  CHECK(found["splits"]["train"]["images"] == 5);
  CHECK(found["splits"]["test"]["images"] == 5);
  CHECK(found["labels"].empty());
  CHECK(found["patients"] == 0);
}

TEST_CASE("data check goes on where training would stop, and tells all", "[data][check]") {
  const TemporaryFolder folder;
  write_set(folder);
  std::filesystem::remove(folder / "masks/p1_2.png");
  write_file(folder / "images/p1_3.png", "no picture");
  datasets::write_png(torch::full({1, 4, 6}, 7, torch::kUInt8), folder / "masks/p2_4.png");
  const auto recipe = write_recipe(folder);
  const auto found = checked({"--recipe", recipe}, 4);
  CHECK(found["usable"] == false);
  CHECK(found["readable"] == 7);
  REQUIRE(found["problems"].size() == 1);
  CHECK_THAT(found["problems"][0].get<std::string>(), Contains("p1_2.png: has no mask"));
  REQUIRE(found["unreadable"].size() == 2);
  CHECK(found["unreadable"][0]["image"] == "p1_3");
  CHECK_THAT(found["unreadable"][0]["reason"].get<std::string>(), Contains("p1_3.png: "));
  CHECK_THAT(found["unreadable"][1]["reason"].get<std::string>(), Contains("masks/p2_4.png: "));
  const auto [code, text] = run_data({"check", "--recipe", recipe});
  CHECK(code == 4);
  CHECK_THAT(text, Contains("\nproblems\n"));
  CHECK_THAT(text, Contains("The set cannot be used as it is."));

  // Left out by the user's choice, they stop nothing.
  const auto skipped = checked({"--recipe", recipe, "-s", "dataset.on_error=skip"}, 0);
  CHECK(skipped["usable"] == true);
  CHECK(skipped["unreadable"].size() == 2);
}

TEST_CASE("data check finds the same pixels, images without contrast and absent classes",
          "[data][check]") {
  const TemporaryFolder folder;
  for (const std::string name : {"p0_0", "p1_1", "p2_2"}) write_case(folder, name, 5, 0);
  write_case(folder, "p3_3", 6, 0);
  datasets::write_png(torch::full({1, 4, 6}, 9, torch::kUInt8), folder / "images/p3_3.png");
  const auto found =
      checked({"--recipe", write_recipe(folder), "-s", "dataset.split.fractions=[1, 0, 0]"}, 0);
  CHECK(found["duplicates"] == json({{"p0_0", "p1_1", "p2_2"}}));
  CHECK(found["constant"] == json({"p3_3"}));
  CHECK(found["warnings"] ==
        json({"the same pixels: p0_0, p1_1, p2_2", "p3_3: has the same value everywhere",
              "no label has the class 'left'"}));
}

TEST_CASE("data check tells of patients in two parts", "[data][check]") {
  const TemporaryFolder folder;
  write_set(folder);
  std::string rows = "id,split\n";
  for (int i = 0; i < 10; ++i)
    rows += "p" + std::to_string(i / 2) + "_" + std::to_string(i) +
            (i == 3   ? ",test\n"
             : i == 6 ? ",validation\n"
                      : ",train\n");
  write_file(folder / "split.csv", rows);
  const auto recipe = write_recipe(folder, "split.by = \"file\"\nsplit.file = \"split.csv\"\n");
  const auto found = checked({"--recipe", recipe}, 4);
  CHECK(found["shared_patients"] ==
        json({{"p1", {"test", "train"}}, {"p3", {"train", "validation"}}}));
  CHECK_THAT(found["split_problem"].get<std::string>(), Contains("patient 'p1' is in"));
  const auto shared = checked({"--recipe", recipe, "-s", "dataset.split.patients=shared"}, 0);
  CHECK(shared["split_problem"].is_null());
  CHECK(shared["warnings"] ==
        json({"patient p1 is in test and train", "patient p3 is in train and validation"}));
}

TEST_CASE("data check shows the notes of a set", "[data][check]") {
  data_command::Findings findings;
  findings.type = "stoic";
  CHECK_THAT(data_command::to_text(findings), !Contains("\nnotes\n"));
  CHECK(data_command::to_json(findings)["notes"].empty());
  findings.listing.notes = {"reference.csv: 4 people are left out", "lungs: is not used"};
  CHECK_THAT(data_command::to_text(findings),
             Contains("\nnotes\n  reference.csv: 4 people are left out\n  lungs: is not used\n"));
  CHECK(data_command::to_json(findings)["notes"] ==
        json({"reference.csv: 4 people are left out", "lungs: is not used"}));
}

TEST_CASE("data check says how it is used", "[data][check][errors]") {
  const TemporaryFolder folder;
  const auto root = folder.path().string();
  write_file(folder / "empty.toml", "seed = 1\n");
  const auto refused = [](const std::vector<std::string>& words, const std::string& why) {
    CHECK_THROWS_WITH(run_data(words), Contains(why));
  };
  refused({"check"}, "data check: expected NAME ROOT; see covector data --help");
  refused({"check", "image_folder"}, "data check: expected NAME ROOT");
  refused({"check", "image_folder", root, "--recipe", "x.toml"},
          "data check: --recipe names the set, and nothing else is taken");
  refused({"check", "--recipe", (folder / "empty.toml").string()}, "has no section [dataset]");
  refused({"check", "image_foldr", root}, "did you mean 'image_folder'?");
  refused({"check", "image_folder", root, "-s", "dataset.colour=1"}, "unknown option 'colour'");
  refused({"check", "image_folder", root, "--jobs", "0"}, "data check: --jobs must be at least 1");
  refused({"check", "volume_slices", root, "-s", "dataset.volumes=[{image=\"a.nii\", name=\"a\"}]"},
          "'volume_slices' is no set that is listed file by file");
  refused({"inspect", "--jobs", "2", "x"}, "data inspect: takes no --jobs");
  // Nothing that can be recognised.
  CHECK_THROWS_AS(run_data({"check", "image_folder", root + "/none"}), DataError);
}
