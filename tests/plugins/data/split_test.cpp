#include "support/catch.h"

#include "made_up_set.h"

#include "covector/core/error.h"

#include <nlohmann/json.hpp>

#include <fstream>

using namespace covector;
using namespace covector::testing;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  return json::parse(file);
}

}  // namespace

TEST_CASE("data split writes what it drew, and each file brings it back", "[data][split]") {
  const TemporaryFolder folder;
  write_set(folder);
  const auto recipe = write_recipe(folder);
  const auto out = folder / "drawn";
  const auto [code, text] = run_data({"split", "--recipe", recipe, out.string()});
  CHECK(code == 0);
  CHECK_THAT(text, Contains("train: 6 images\nvalidation: 2 images\ntest: 2 images\n"));

  const auto monai = read_json(out / "datalist.json");
  REQUIRE(monai["training"].size() == 6);
  REQUIRE(monai["test"].size() == 2);
  const auto image = monai["test"][0]["image"].get<std::string>();
  CHECK(image.starts_with("images/p"));
  CHECK(monai["test"][0]["label"] == "masks" + image.substr(6));
  const auto nnunet = read_json(out / "splits_final.json");
  REQUIRE(nnunet.size() == 1);
  CHECK(nnunet[0]["train"].size() == 6);
  CHECK(nnunet[0]["val"].size() == 2);
  CHECK("images/" + nnunet[0]["train"][0].get<std::string>() + ".png" ==
        monai["training"][0]["image"]);
  std::ifstream csv(out / "splits.csv");
  std::string line;
  std::getline(csv, line);
  CHECK(line == "id,split,patient");
  std::getline(csv, line);
  CHECK(line.starts_with("p0_0,"));
  CHECK(line.ends_with(",p0"));

  // Drawn from another seed it would differ; read from a file it does not.
  const auto again = [&](const std::string& name, const std::string& to) {
    run_data({"split", "--recipe", recipe, "-s", "dataset.split.by=file", "-s",
              "dataset.split.seed=9", "-s", "dataset.split.file=\"" + (out / name).string() + "\"",
              (folder / to).string()});
    return read_json(folder / to / "datalist.json");
  };
  CHECK(again("datalist.json", "a") == monai);
  CHECK(again("splits.csv", "b") == monai);
  const auto folds = again("splits_final.json", "c");
  CHECK(folds["training"] == monai["training"]);
  CHECK(folds["validation"] == monai["validation"]);
  CHECK(folds["test"].empty());
}

TEST_CASE("data split replaces nothing", "[data][split][errors]") {
  const TemporaryFolder folder;
  write_set(folder);
  const auto recipe = write_recipe(folder);
  write_file(folder / "splits.csv", "mine");
  CHECK_THROWS_WITH(run_data({"split", "--recipe", recipe, folder.path().string()}),
                    Contains("splits.csv: is there already"));
  CHECK_FALSE(std::filesystem::exists(folder / "datalist.json"));
  write_file(folder / "file", "");
  CHECK_THROWS_WITH(run_data({"split", "--recipe", recipe, (folder / "file/x").string()}),
                    Contains("cannot make the folder"));
  CHECK_THROWS_WITH(run_data({"split", "--recipe", recipe}), Contains("data split: expected OUT"));
}
