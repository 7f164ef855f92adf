#include "support/catch.h"

#include "smoke/smoke_run.h"

#include "plan.h"
#include "run.h"

#include <nlohmann/json.hpp>

#include <sstream>

using namespace covector;
using namespace covector::testing;
using Catch::Contains;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

/// What recipes read from the environment; `check` opens none of it.
void set_places() {
  for (const auto* name :
       {"COVECTOR_DATA", "COVECTOR_DEMO_DATA", "COVECTOR_PRETRAINED", "COVECTOR_SMOKE_DATA"})
    setenv(name, "/nowhere", 1);
}

std::vector<fs::path> recipes_in(const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry :
       fs::directory_iterator(fs::path(COVECTOR_SOURCE_DIR) / "recipes" / folder))
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

void check_complete(const fs::path& run, const std::string& kind) {
  INFO(run.string());
  for (const auto* file :
       {"recipe.toml", "plugins.json", "environment.json", "log.jsonl", "status.json"})
    CHECK(fs::exists(run / file));
  const auto status = json::parse(text_of(run / "status.json"));
  CHECK(status["state"] == "finished");
  CHECK(status["step"] == status["steps"]);
  CHECK_FALSE(json::parse(text_of(run / "plugins.json")).empty());
  CHECK(json::parse(text_of(run / "environment.json")).contains("dataset_fingerprint"));
  const auto is_event_file = [](const fs::directory_entry& entry) {
    return entry.path().filename().string().starts_with("events.out.tfevents.");
  };
  CHECK(std::count_if(fs::directory_iterator(run), {}, is_event_file) == 1);
  REQUIRE_FALSE(checkpoints_of(run).empty());
  char last[32];
  std::snprintf(last, sizeof last, "step-%09lld.h5", status["steps"].get<long long>());
  CHECK(checkpoints_of(run).back().filename() == last);
  REQUIRE(fs::exists(run / "metrics.json") == (kind == "adapt"));
  if (kind == "adapt") {
    const auto metrics = json::parse(text_of(run / "metrics.json"));
    CHECK_FALSE(metrics["cases"].empty());
    const auto recipe = load_recipe(run / "recipe.toml");
    const auto task = *recipe.table.find("task")->as_table()->find("type")->as_string();
    CHECK(metrics["metrics"][0] == json{{"name", task == "segmentation" ? "DSC" : "AUC"},
                                        {"unit", "%"},
                                        {"higher_is_better", true}});
    CHECK(metrics["summary"][0]["mean"].is_number());
  }
}

void check_benchmark_complete(const fs::path& output) {
  for (const auto* row : {"cover", "scratch"}) {
    check_complete(output / "pretrain" / row, "pretrain");
    for (const auto* seed : {"seed-0", "seed-1"})
      check_complete(output / "adapt" / row / "segment" / seed, "adapt");
  }
  CHECK_FALSE(json::parse(text_of(output / "table.json")).empty());
  const auto table = text_of(output / "table.md");
  CHECK_THAT(table, Contains("cover") && Contains("scratch") && Contains("DSC"));
}

}  // namespace

TEST_CASE("every smoke recipe runs to its end, and run again says so", "[smoke]") {
  set_places();
  const auto recipes = recipes_in("smoke");
  CHECK(recipes.size() >= 7);
  for (const auto& recipe : recipes) {
    const auto kind = kind_of(load_recipe(recipe));
    INFO(recipe.string());
    const ScratchFolder folder;
    const auto output = folder / "run";
    const auto first = run_to_end(recipe, output);
    INFO(first.output << first.error);
    REQUIRE(first.code == 0);
    CHECK(first.error.empty());
    if (kind == "benchmark")
      check_benchmark_complete(output);
    else
      check_complete(output, kind);
    const auto again = run_to_end(recipe, output);
    CHECK(again.code == 0);
    CHECK_THAT(again.output,
               Contains(kind == "benchmark" ? ", 6 cells: 6 done\n" : " is finished: "));
    CHECK(again.error.empty());
  }
}

TEST_CASE("the benchmark of four backbones in small", "[smoke]") {
  const ScratchFolder folder;
  const auto recipe =
      fs::path(COVECTOR_SOURCE_DIR) / "recipes/benchmark/cross-architecture-smoke.toml";
  const auto finished = run_to_end(recipe, folder / "run");
  INFO(finished.output << finished.error);
  REQUIRE(finished.code == 0);
  const auto table = text_of(folder / "run/table.md");
  CHECK_THAT(table, Contains(" segment DSC [%]") && Contains(" classify AUC"));
  for (const auto* backbone : {"unet", "transunet", "swinunet", "ukan"})
    for (const auto* row : {"scratch", "cover"}) {
      check_complete(folder / "run/pretrain" / row / backbone, "pretrain");
      CHECK_THAT(table, Contains("\n| " + std::string(backbone) + ", " + row + " |"));
    }
  const auto entries = json::parse(text_of(folder / "run/table.json")).at("entries");
  for (const auto& entry : entries)
    if (entry.at("metric") == "DSC")
      CHECK(entry.contains("against_baseline") == (entry.at("pretraining") == "cover"));
}

TEST_CASE("bench shows the parts of a step, to people and as JSON", "[smoke][bench]") {
  const fs::path build(COVECTOR_BINARY_DIR);
  const auto bench = [&](const std::string& recipe, Words more) {
    Words words{"bench", smoke_recipe(recipe).string(), "--steps", "1", "--device", "cpu"};
    words.insert(words.end(), more.begin(), more.end());
    const auto finished =
        run_process(build / "bin/covector", words,
                    {"COVECTOR_PLUGIN_PATH=" + (build / "lib/covector/plugins").string(),
                     "COVECTOR_SMOKE_DATA=" + smoke_images().string(), "OMP_NUM_THREADS=1"});
    INFO(finished.output << finished.error);
    REQUIRE(finished.code == 0);
    return finished.output;
  };
  const std::vector<std::string> parts{"data",   "views",    "backbone",
                                       "method", "backward", "optimiser"};

  std::istringstream text(bench("cover", {"-s", "loop.layout=channels_last"}));
  std::string line;
  std::getline(text, line);
  CHECK_THAT(line, Contains(": 1 steps on cpu: ") && Contains(", float32, channels_last"));
  std::getline(text, line);
  std::getline(text, line);
  CHECK(line == "part       ms a step  share");
  double sum = 0;
  for (const auto& part : parts) {
    std::string name, sign;
    double milliseconds = -1, share = -1;
    text >> name >> milliseconds >> share >> sign;
    CHECK(name == part);
    CHECK(milliseconds >= 0);
    CHECK((0 <= share && share <= 100));
    CHECK(sign == "%");
    sum += milliseconds;
  }
  std::string name;
  double step = 0;
  text >> name >> step;
  CHECK(name == "step");
  CHECK(step == Approx(sum).margin(0.05 * 7));  // each is rounded to a tenth

  const auto profile = json::parse(bench("segment", {"--json", "-s", "loop.layout=contiguous"}));
  for (const auto& part : parts) CHECK(profile.at("seconds_per_step").contains(part));
  CHECK(profile.at("seconds_per_step").size() == parts.size());
  CHECK(profile.at("seconds_per_step").at("backbone") > 0);
  CHECK(profile.at("precision") == "float32");
  CHECK(profile.at("layout") == "contiguous");
  CHECK(profile.at("peak_memory_mib") > 10);
}

TEST_CASE("every recipe is valid without its data", "[smoke]") {
  set_places();
  std::size_t checked = 0;
  for (const auto* folder : {"ablation", "benchmark", "demo", "downstream", "pretrain", "smoke"})
    for (const auto& file : recipes_in(folder)) {
      INFO(file.string());
      // The rows and columns of a benchmark lie in a folder beside it and are checked with it.
      if (fs::exists(file.parent_path().string() + ".toml")) continue;
      const auto recipe = load_recipe(file);
      if (!recipe.table.find("kind")) {  // what the others of its folder extend
        CHECK_FALSE(recipe.table.find("method"));
        continue;
      }
      Registries registries;
      PluginLoader loader(registries, {fs::path(COVECTOR_BINARY_DIR) / "lib/covector/plugins"});
      std::ostringstream out;
      REQUIRE_NOTHROW(check_recipe(recipe, registries, loader, out));
      CHECK_THAT(out.str(), Contains(file.string() + ": a valid recipe of kind "));
      ++checked;
    }
  CHECK(checked >= 30);
}
