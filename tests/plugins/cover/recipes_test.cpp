#include "support/catch.h"

#include "cover.h"
#include "plan.h"

#include <cstdlib>
#include <filesystem>

/// The recipes of the paper's settings and ablations.
namespace covector::cover {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> recipes() {
  std::vector<fs::path> found;
  for (const auto* folder : {"pretrain", "ablation"})
    for (const auto& entry :
         fs::directory_iterator(fs::path(COVECTOR_SOURCE_DIR) / "recipes" / folder))
      if (entry.path().filename().string().rfind("cover-", 0) == 0) found.push_back(entry.path());
  return found;
}

TrainPlan plan_of(const fs::path& file) {
  setenv("COVECTOR_DATA", "/nowhere", 1);
  Registries registries;
  const std::vector<fs::path> plugins{fs::path(COVECTOR_BINARY_DIR) / "lib/covector/plugins"};
  PluginLoader loader(registries, plugins);
  Problems problems;
  auto plan = read_plan(load_recipe(file), registries, loader, problems);
  problems.raise();
  return plan;
}

Options options_of(const TrainPlan& plan) {
  return schema_of<Options>().parse(plan.learner, "method");
}

TEST_CASE("every recipe of COVER is valid and named as its file", "[cover][recipes]") {
  const auto found = recipes();
  REQUIRE(found.size() >= 19);
  for (const auto& file : found) {
    INFO(file.string());
    CHECK(plan_of(file).name == file.stem().string());
  }
}

TEST_CASE("the recipes at the paper's scale hold its numbers", "[cover][recipes]") {
  const auto folder = fs::path(COVECTOR_SOURCE_DIR) / "recipes" / "pretrain";
  const auto number = [](const OptionTable& table, const char* key) {
    return std::get<double>(table.find(key)->data);
  };
  const auto paper = plan_of(folder / "cover-2d.toml");
  CHECK(options_of(paper).form == "paper");
  CHECK(options_of(paper).crop == std::vector<std::int64_t>{384, 384});
  CHECK(options_of(paper).source_size == 512);
  CHECK(number(paper.optimiser, "lr") == 1e-4);
  CHECK(number(paper.optimiser, "weight_decay") == 0.0);
  CHECK(paper.loop.steps == 200'000);
  CHECK(paper.loop.batch == 24);

  const auto released = plan_of(folder / "cover-2d-as-released.toml");
  CHECK(options_of(released).form == "released");
  CHECK(options_of(released).source_size == 576);
  CHECK(number(released.optimiser, "lr") == Approx(1e-4 * 24 / 256).epsilon(1e-15));
  CHECK(number(released.optimiser, "weight_decay") == 1e-4);
  CHECK(number(released.optimiser, "clip_norm") == 1.0);

  const auto volume = plan_of(folder / "cover-3d.toml");
  CHECK(options_of(volume).crop == std::vector<std::int64_t>{128, 128, 128});
  CHECK(volume.loop.steps == 200'000);
  CHECK(volume.loop.batch == 2);
  CHECK(number(plan_of(folder / "cover-3d-as-released.toml").optimiser, "lr") ==
        Approx(1e-4 * 2 / 256).epsilon(1e-15));
}

}  // namespace
}  // namespace covector::cover
