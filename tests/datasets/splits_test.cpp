#include "support/catch.h"

#include "files.h"

#include "covector/core/error.h"
#include "covector/datasets/splits.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace covector;
using namespace covector::datasets;
using namespace covector::testing;
using Catch::Matchers::Contains;

namespace {

// As words, "" for an image in no part; c10 cannot print a vector of optionals.
using Words = std::vector<std::string>;

Words words(const std::vector<std::optional<Split>>& parts) {
  Words out;
  for (const auto& part : parts) out.emplace_back(part ? to_string(*part) : "");
  return out;
}

std::int64_t count(const Words& parts, const std::string& split) {
  return std::count(parts.begin(), parts.end(), split);
}

const std::vector<std::string> kStems{"a/case1_0000", "a/case2", "b/case2", "b/case10"};

Words match(const std::filesystem::path& path, std::int64_t fold = 0) {
  return words(match_split(read_split_file(path, fold), kStems));
}

}  // namespace

TEST_CASE("a drawn split has the shares asked for and repeats", "[datasets][splits]") {
  const std::vector<std::string> unknown(100);
  const auto draw = [&](std::vector<double> shares, std::int64_t seed) {
    return words(draw_split(unknown, shares, seed));
  };
  const auto parts = draw({0.7, 0.1, 0.2}, 3);
  CHECK(count(parts, "train") == 70);
  CHECK(count(parts, "validation") == 10);
  CHECK(count(parts, "test") == 20);
  CHECK(draw({0.7, 0.1, 0.2}, 3) == parts);
  CHECK(draw({0.7, 0.1, 0.2}, 4) != parts);
  const auto some = draw({0.25, 0, 0}, 3);
  CHECK(count(some, "train") == 25);
  CHECK(count(some, "") == 75);
}

TEST_CASE("a drawn split keeps patients whole", "[datasets][splits]") {
  std::vector<std::string> patients;
  for (int i = 0; i < 60; ++i) patients.push_back("p" + std::to_string(i % 17));
  const auto parts = words(draw_split(patients, {0.5, 0.2, 0.3}, 1));
  std::map<std::string, std::set<std::string>> seen;
  for (std::size_t i = 0; i < parts.size(); ++i) seen[patients[i]].insert(parts[i]);
  for (const auto& [patient, splits] : seen) {
    INFO(patient);
    CHECK(splits.size() == 1);
  }
  // A patient has 3 or 4 of the 60 images.
  CHECK(std::abs(count(parts, "train") - 30) <= 4);
  CHECK(std::abs(count(parts, "test") - 18) <= 4);
}

TEST_CASE("each class is split in the same shares, patients whole", "[splits]") {
  // 40 images of class 0 and 10 of class 1; the first ten have patients of two images, and that of
  // the images 38 and 39 is of both classes.
  std::vector<std::string> patients(50);
  std::vector<std::int64_t> classes(50);
  for (std::size_t i = 0; i < 50; ++i) classes[i] = i < 40 ? 0 : 1;
  for (std::size_t i = 0; i < 10; ++i) patients[i] = "p" + std::to_string(i / 2);
  patients[39] = patients[40] = "both";
  for (const std::int64_t seed : {0, 1, 2}) {
    const auto parts = words(draw_split(patients, {0.5, 0.2, 0.3}, seed, classes));
    std::map<std::pair<std::int64_t, std::string>, int> count;
    for (std::size_t i = 0; i < 50; ++i) ++count[{classes[i], parts[i]}];
    // Class 0: 39 by themselves, of which 19.5, 7.8 and 11.7, and class 1: 9, of which 4.5, 1.8 and
    // 2.7, are nearest; two images of a patient move one more, and the two of "both" go where they
    // may.
    CHECK(std::abs(count[{0, "train"}] - 20) <= 2);
    CHECK(std::abs(count[{0, "validation"}] - 8) <= 2);
    CHECK(std::abs(count[{0, "test"}] - 12) <= 2);
    CHECK(std::abs(count[{1, "train"}] - 5) <= 1);
    CHECK(std::abs(count[{1, "validation"}] - 2) <= 1);
    CHECK(std::abs(count[{1, "test"}] - 3) <= 1);
    for (std::size_t i = 0; i < 10; i += 2) CHECK(parts[i] == parts[i + 1]);
    CHECK(parts[39] == parts[40]);
  }
  // One class for all is no class.
  CHECK(words(draw_split(patients, {0.5, 0.2, 0.3}, 1, std::vector<std::int64_t>(50, 0))) ==
        words(draw_split(patients, {0.5, 0.2, 0.3}, 1)));
}

TEST_CASE("a split at a paper's counts has them exactly", "[datasets][splits]") {
  // Pneumonia and normal chest X-rays: 2,714 + 945, 1,169 + 404, 390 + 234.
  const SplitCounts paper{{2714, 1169, 390}, {945, 404, 234}};
  std::vector<std::int64_t> classes(4273, 0);
  classes.resize(5856, 1);
  std::shuffle(classes.begin(), classes.end(), std::mt19937(1));
  const std::vector<std::string> unknown(classes.size());
  const auto parts = words(draw_split(unknown, paper, 5, classes));
  std::map<std::pair<std::int64_t, std::string>, int> seen;
  for (std::size_t i = 0; i < parts.size(); ++i) ++seen[{classes[i], parts[i]}];
  CHECK(seen[{0, "train"}] == 2714);
  CHECK(seen[{0, "validation"}] == 1169);
  CHECK(seen[{0, "test"}] == 390);
  CHECK(seen[{1, "train"}] == 945);
  CHECK(seen[{1, "validation"}] == 404);
  CHECK(seen[{1, "test"}] == 234);
  CHECK(words(draw_split(unknown, paper, 5, classes)) == parts);
  CHECK(words(draw_split(unknown, paper, 6, classes)) != parts);
}

TEST_CASE("a split at counts keeps patients whole, and gives shares of fewer images",
          "[datasets][splits]") {
  std::vector<std::string> patients;
  for (int i = 0; i < 80; ++i) patients.push_back("p" + std::to_string(i / 2));
  // One row, 100 / 47 / 100 of 247 images; of 80 that is 32.4, 15.2 and 32.4, in pairs.
  const auto parts = words(draw_split(patients, SplitCounts{{100, 47, 100}}, 0));
  for (std::size_t i = 0; i < 80; i += 2) CHECK(parts[i] == parts[i + 1]);
  CHECK(std::abs(count(parts, "train") - 32) <= 2);
  CHECK(std::abs(count(parts, "validation") - 15) <= 2);
  CHECK(std::abs(count(parts, "test") - 32) <= 2);
  CHECK(count(parts, "") == 0);
  // All train where the paper uses a set for pretraining alone.
  CHECK(count(words(draw_split(patients, SplitCounts{{112120, 0, 0}}, 0)), "train") == 80);
}

TEST_CASE("split files of every kind", "[datasets][splits]") {
  const TemporaryFolder folder;
  const Words expected{"train", "test", "", "validation"};
  write_file(folder / "s.csv", "id,split\ncase1,train\na/case2.nii.gz,test\nb/case10,val\n");
  CHECK(match(folder / "s.csv") == expected);
  write_file(folder / "monai.json",
             R"({"name": "x", "training": [{"image": "./a/case1_0000.nii.gz", "label": "l"}],
                 "validation": [{"image": ["b/case10.nii.gz", "other"]}], "test": ["a/case2.nii.gz"]})");
  CHECK(match(folder / "monai.json") == expected);
  write_file(
      folder / "splits_final.json",
      R"([{"train": ["case10"], "val": ["case1"]}, {"train": ["case1"], "val": ["case10"]}])");
  CHECK(match(folder / "splits_final.json", 1) == Words{"train", "", "", "validation"});
  // nnssl: paths start above the images, and all of them train.
  write_file(folder / "pretrain_data.json",
             R"({"collection_index": 1, "collection_name": "c", "datasets": {"1": {"subjects": {
                  "s1": {"sessions": {"ses-1": {"images": [
                    {"name": "x", "modality": "T1w", "image_path": "$nnssl_raw/D1/a/case2.nii.gz"}]}}},
                  "s2": {"sessions": {"ses-1": {"images": [
                    {"name": "y", "modality": "T1w", "image_path": "/data/b/case10.nii.gz"}]}}}}}}})");
  CHECK(match(folder / "pretrain_data.json") == Words{"", "train", "", "train"});
  write_file(folder / "list.txt", "case1\r\n\nb/case2.png\n");
  CHECK(words(match_split(read_split_list(folder / "list.txt", Split::test), kStems)) ==
        Words{"test", "", "test", ""});
}

TEST_CASE("split files that do not fit say where", "[datasets][splits][errors]") {
  const TemporaryFolder folder;
  const auto problem = [&](const std::string& name, const std::string& text,
                           const std::string& words) {
    write_file(folder / name, text);
    CHECK_THROWS_WITH(match(folder / name), Contains(words));
  };
  problem("s.csv", "id,split\ncase3,train\n", "s.csv:2: 'case3' names no image of the set");
  problem("s.csv", "id,split\ncase2,train\n",
          "s.csv:2: 'case2' fits a/case2 and b/case2; write more of the path");
  problem("s.csv", "id,split\ncase1,learn\n",
          "s.csv:2: 'learn' is no split; write train, validation or test");
  problem("s.csv", "id,split\ncase1,train\ncase10,test\ncase1,test\n",
          "s.csv:4: 'case1' is in train and in test; an image belongs to one split");
  problem("s.csv", "name,split\ncase1,train\n", "s.csv:1: has no column 'id'");
  problem("s.json", "{", "s.json: is not valid JSON (");
  problem("s.json", "{\"name\": \"x\"}", "s.json: names no cases");
  problem("s.json", "{\"train\": [7]}", "s.json: train: a case must be a name");
  problem("s.json", R"({"datasets": {"1": {}}})", "s.json: is no pretrain_data.json of nnssl (");
  problem("s.json", R"({"datasets": {}})", "s.json: names no images");
  problem("s.json", "3", "s.json: expected an object of lists");
  problem("s.yaml", "x", "s.yaml: a split file ends with .csv or .json");
  write_file(folder / "f.json", R"([{"train": ["case1"], "val": []}])");
  CHECK_THROWS_WITH(match(folder / "f.json", 2), Contains("f.json: has folds 0 to 0, not 2"));
  CHECK_THROWS_WITH(match(folder / "none.csv"), Contains("none.csv: cannot be opened"));
}
