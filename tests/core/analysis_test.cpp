#include "support/catch.h"

#include "analysis/analyses.h"
#include "measure.h"
#include "support/toy_runs.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <fstream>

using namespace covector;
using namespace covector::analysis;
using covector::testing::ScratchFolder;
using covector::testing::text_of;
using covector::testing::ToyProgram;
namespace fs = std::filesystem;

namespace {

using Json = nlohmann::json;

/// A finished adapt run with one score a case.
fs::path scored_run(const fs::path& folder, const std::vector<double>& scores) {
  fs::create_directories(folder);
  std::ofstream(folder / "recipe.toml") << "kind = \"adapt\"\n";
  Measurement measurement{{{"DSC", "%", true}}, {}};
  for (std::size_t i = 0; i < scores.size(); ++i)
    measurement.cases.push_back({"case-" + std::to_string(i), {{"DSC", "", scores[i], ""}}});
  std::ofstream(folder / "metrics.json") << to_json(measurement, "last", 1);
  return folder;
}

Json analysed(Request request, const fs::path& output) {
  ToyProgram program;
  request.output = output;
  REQUIRE(analyse(request, program.registries, program.loader, program.out) == 0);
  return Json::parse(text_of(output / "analysis" / (request.name + ".json")));
}

/// Pretraining runs of the toy method and of none, on images with labels.
std::vector<fs::path> two_pretrainings(const fs::path& folder) {
  ToyProgram program;
  const auto recipe = ToyProgram::pretrain("steps = 3\nbatch = 2\n");
  REQUIRE(program.run(recipe, folder / "toy") == 0);
  const auto none = ToyProgram::recipe("pretrain", "[method]\ntype = \"scratch\"\n");
  REQUIRE(program.run(none, folder / "scratch") == 0);
  return {folder / "toy", folder / "scratch"};
}

}  // namespace

TEST_CASE("test-retest correlates the cases that two runs share", "[analysis]") {
  const ScratchFolder folder;
  Request request{.name = "test-retest"};
  request.folders = {scored_run(folder.path() / "a", {1, 2, 3, 4}),
                     scored_run(folder.path() / "b", {1, 3, 2, 4, 9})};
  const auto json = analysed(request, folder.path());
  CHECK(json.at("kind") == "scatter");
  const auto& row = json.at("table").at("rows").at(0);
  CHECK(row.at(2) == "DSC");
  CHECK(row.at(3) == "a and b");
  CHECK(row.at(4) == 4);
  // Deviations (-1.5, -0.5, 0.5, 1.5) and (-1.5, 0.5, -0.5, 1.5): r = 4 / 5. The r of four normal
  // pairs is uniform between -1 and 1, so p = 1 - 0.8.
  CHECK(row.at(5).get<double>() == Approx(0.8));
  CHECK(row.at(6).get<double>() == Approx(0.2));
  const auto& panel = json.at("panels").at(0);
  CHECK(panel.at("x") == "DSC [%], a");
  CHECK(panel.at("line") == "identity");
  CHECK(panel.at("points").at(1) == Json::array({2.0, 3.0, 0}));
}

TEST_CASE("scores that do not vary have no correlation", "[analysis]") {
  const ScratchFolder folder;
  Request request{.name = "test-retest"};
  request.folders = {scored_run(folder.path() / "a", {1, 1, 1}),
                     scored_run(folder.path() / "b", {1, 3, 2})};
  const auto json = analysed(request, folder.path());
  CHECK(json.at("table").at("rows").at(0).at(5).is_null());
  CHECK(json.at("panels").at(0).at("note") == "r is not defined: scores do not vary");
}

TEST_CASE("a window lies about what is labelled and inside the image", "[analysis]") {
  const auto check = [](Stretch got, std::int64_t begin, std::int64_t size) {
    CHECK(got.begin == begin);
    CHECK(got.size == size);
  };
  check(window_of(100, 50, 64, 16), 18, 64);
  check(window_of(100, 5, 64, 16), 0, 64);
  check(window_of(100, 99, 64, 16), 36, 64);
  check(window_of(50, 25, 384, 16), 1, 48);
  check(window_of(70, 35, 48, 64), 3, 64);  // the networks' least side is more than the most
}

TEST_CASE("pixels are chosen in equal numbers of each class", "[analysis]") {
  const auto first = torch::tensor({0, 0, 0, 0, 0, 1}, torch::kInt64).view({1, 1, 2, 3});
  const auto second = torch::tensor({0, 0, 2, 2, 2, 2}, torch::kInt64).view({1, 1, 2, 3});
  const auto chosen = choose_pixels({first, second}, 9);
  CHECK(chosen.labels.size(0) == 7);  // three of 0 and of 2, and the only one of 1
  CHECK((chosen.labels == 0).sum().item<std::int64_t>() == 3);
  CHECK((chosen.labels == 1).sum().item<std::int64_t>() == 1);
  const auto shown = torch::cat({first.flatten().index_select(0, chosen.positions[0]),
                                 second.flatten().index_select(0, chosen.positions[1])});
  CHECK(at::equal(shown, chosen.labels));
}

TEST_CASE("labels of a coarser level are those of every stride-th voxel", "[analysis]") {
  const auto label = torch::arange(16, torch::kInt64).view({1, 1, 4, 4});
  CHECK(at::equal(labels_at(label, 2).flatten(), torch::tensor({5, 7, 13, 15}, torch::kInt64)));
  CHECK(at::equal(labels_at(label, 1), label));
}

TEST_CASE("how often the nearest feature has the same label", "[analysis]") {
  // Directions at 0, 9, 20 and 90 degrees: 0 and 9 are nearest to each other and share label 0; 20
  // is nearest to 9 and does not; 90 is nearest to 20 and shares label 1.
  const auto angle = torch::tensor({0.0, 9.0, 20.0, 90.0}, torch::kFloat64) * (M_PI / 180);
  const auto features = torch::stack({angle.cos(), angle.sin()}, 1);
  CHECK(nearest_agreement(features, torch::tensor({0, 0, 1, 1}, torch::kInt64)) == 0.75);
}

TEST_CASE("t-SNE shows the same pixels of every pretraining", "[analysis]") {
  const ScratchFolder folder;
  Request request{.name = "tsne"};
  request.folders = two_pretrainings(folder.path());
  request.pixels = 60;
  request.perplexity = 5;
  const auto json = analysed(request, folder.path());
  CHECK(json.at("classes") == Json::array({"dark", "bright"}));
  REQUIRE(json.at("panels").size() == 2);
  const auto classes_of = [&](std::size_t panel) {
    std::vector<int> classes;
    for (const auto& point : json.at("panels").at(panel).at("points"))
      classes.push_back(point.at(2));
    return classes;
  };
  CHECK(json.at("panels").at(0).at("title") == "toy");
  CHECK(classes_of(0).size() == 60);
  const auto classes = classes_of(0);
  CHECK(std::count(classes.begin(), classes.end(), 1) == 30);
  CHECK(classes_of(0) == classes_of(1));
  CHECK_THAT(json.at("about").get<std::string>(), Catch::Contains("3 labelled test images"));
}

TEST_CASE("over-dispersion has a bar a pretraining and measure", "[analysis]") {
  const ScratchFolder folder;
  Request request{.name = "dispersion"};
  request.folders = two_pretrainings(folder.path());
  std::ofstream(folder.path() / "toy/log.jsonl", std::ios::app)
      << "{\"step\": 1, \"cover/largest_vector_weight\": 0.25}\n"
      << "{\"step\": 2, \"cover/largest_vector_weight\": 0.5}\n{\"step\": 3, \"torn";
  const auto json = analysed(request, folder.path());
  const auto& panel = json.at("panels").at(0);
  CHECK(panel.at("groups").size() == 4);
  CHECK(panel.at("bars").size() == 2);
  for (const auto& bar : panel.at("bars"))
    for (const auto& value : bar.at("values")) {
      CHECK(value.get<double>() > 0);
      CHECK(value.get<double>() <= 2);
    }
  const auto& rows = json.at("table").at("rows");
  CHECK(rows.at(0).at(6) == 0.5);
  CHECK(rows.at(1).at(6).is_null());
}

TEST_CASE("convergence draws the logs of a benchmark's first seed", "[analysis]") {
  const ScratchFolder folder;
  const auto cell = [](const std::string& name, const std::string& task, int seed) {
    Json json{{"name", name}, {"pretraining", "toy"}, {"seed", seed}, {"recipe", ""}};
    if (!task.empty()) json["task"] = task;
    return json;
  };
  const Json cells = {cell("pretrain/toy", "", 0), cell("adapt/toy/organs/seed-0", "organs", 0),
                      cell("adapt/toy/organs/seed-1", "organs", 1)};
  std::ofstream(folder.path() / "plan.json") << Json{
      {"recipe", "all.toml"}, {"baseline", ""}, {"published", Json::array()}, {"cells", cells}};
  Request request{.name = "convergence", .folders = {folder.path()}};
  ToyProgram program;
  CHECK_THROWS_WITH(analyse(request, program.registries, program.loader, program.out),
                    "no run of the benchmark has logged a step yet; run its recipe first");
  const auto log = [&](const std::string& run, const std::string& lines) {
    fs::create_directories(folder.path() / run);
    std::ofstream(folder.path() / run / "log.jsonl") << lines;
  };
  log("pretrain/toy",
      "{\"step\": 1, \"loss\": 3.5}\n{\"step\": 2, \"loss\": null}\n"
      "{\"step\": 3, \"loss\": 1.5}\n");
  log("adapt/toy/organs/seed-0",
      "{\"step\": 1, \"loss\": 9}\n"
      "{\"step\": 2, \"validation/DSC\": 81}\n");
  log("adapt/toy/organs/seed-1", "{\"step\": 2, \"validation/DSC\": 1}\n");
  const auto panels = analysed(request, folder.path()).at("panels");
  REQUIRE(panels.size() == 2);
  CHECK(panels.at(0).at("title") == "Pretraining: toy");
  CHECK(panels.at(0).at("lines").at(0).at("points") == Json::parse("[[1, 3.5], [3, 1.5]]"));
  CHECK(panels.at(1).at("title") == "organs: DSC of validation images");
  CHECK(panels.at(1).at("lines").size() == 1);
  CHECK(panels.at(1).at("lines").at(0).at("points") == Json::parse("[[2, 81]]"));
}

TEST_CASE("a request for an analysis that does not fit is told why", "[analysis][errors]") {
  const ScratchFolder folder;
  ToyProgram program;
  const auto run = [&](const Request& request) {
    return analyse(request, program.registries, program.loader, program.out);
  };
  const auto here = folder.path();
  CHECK_THROWS_WITH(run({.name = "tsn", .folders = {here}}),
                    "unknown analysis 'tsn'; did you mean 'tsne'?");
  CHECK_THROWS_WITH(run({.name = "tsne", .folders = {here, here}}),
                    "several folders need --output DIR, the one that gets the analysis");
  CHECK_THROWS_WITH(run({.name = "tsne", .folders = {here / "none"}}),
                    "there is no folder " + (here / "none").string());
  CHECK_THROWS_WITH(run({.name = "tsne", .folders = {here}}),
                    here.string() +
                        " is neither a run folder nor a benchmark's: it has no "
                        "recipe.toml and no plan.json");
  CHECK_THROWS_WITH(
      run({.name = "tsne", .folders = {scored_run(here / "a", {1})}}),
      (here / "a").string() + " is a run of kind adapt; this analysis is of pretrain runs");
  CHECK_THROWS_WITH(run({.name = "test-retest", .folders = {here / "a"}}),
                    "no task has finished with two seeds; test-retest compares runs in pairs");
}
