#include "support/catch.h"

#include "recipes/small_benchmark.h"

#include "recipe.h"
#include "smoke/smoke_run.h"
#include "support/datasets/candi_tree.h"
#include "support/datasets/chestxray8_tree.h"
#include "support/datasets/feta21_tree.h"
#include "support/datasets/fives_tree.h"
#include "support/datasets/kipa22_tree.h"
#include "support/datasets/pdcxr_tree.h"
#include "support/datasets/ppmi_tree.h"
#include "support/datasets/scr_tree.h"
#include "support/datasets/stoic_tree.h"
#include "support/scratch_folder.h"

#include <nlohmann/json.hpp>

#include <fstream>
#include <functional>
#include <set>

namespace covector::testing {
namespace fs = std::filesystem;
namespace {

const fs::path kRecipes = fs::path(COVECTOR_SOURCE_DIR) / "recipes";

void make_official_sets(const fs::path& folder) {
  make_chestxray8_tree(folder / "ChestX-ray8", NihLayout::nih, 4);
  make_scr_tree(folder / "SCR", ScrLayout::all_images, 3);
  make_pdcxr_tree(folder / "PDCXR", PdcxrLayout::mendeley, 6);
  make_fives_tree(folder / "FIVES", 5);
  make_kipa22_tree(folder / "KiPA22", 6);
  make_ppmi_tree(folder / "PPMI", 3);
  make_candi_tree(folder / "SchizBull_2008", 2);
  make_feta21_tree(folder / "feta_2.1", 8);
  make_stoic_tree(folder / "STOIC2021", 12);
}

const OptionTable& section(const Recipe& recipe, const std::string& name) {
  return *recipe.table.find(name)->as_table();
}

std::string text(const OptionTable& table, const std::string& key) {
  return *table.find(key)->as_string();
}

int dimensions_of(const Recipe& recipe) {
  const std::set<std::string> volumes{"candi", "feta21", "ppmi", "stoic"};
  const auto& dataset = section(recipe, "dataset");
  if (const auto* given = dataset.find("dimensions"))
    return static_cast<int>(std::get<std::int64_t>(given->data));
  return volumes.contains(text(dataset, "type")) ? 3 : 2;
}

/// What is put on top of a recipe: files that it extends after it, and lines.
struct Layer {
  std::vector<fs::path> files;
  std::string lines;
};

/// Options of a method as in its smoke recipe.
std::string small_method(const Recipe& recipe) {
  const auto& method = section(recipe, "method");
  const auto type = text(method, "type");
  auto options = OptionTable{{"type", type}};
  if (type != "scratch")
    options = section(load_recipe(smoke_recipe(type + (dimensions_of(recipe) == 3 ? "-3d" : ""))),
                      "method");
  if (method.find("source_size")) options.set("source_size", 64);  // that of the layer's images
  std::string lines = "[method]\n";
  for (const auto& [key, value] : options.entries)
    lines += to_toml_key(key) + " = " + to_toml(value) + "\n";
  return lines;
}

Layer small_layer(const Recipe& recipe) {
  const auto small = kRecipes / "smoke/small";
  const auto size = std::to_string(dimensions_of(recipe)) + "d.toml";
  if (recipe.table.find("method")) return {{small / size}, small_method(recipe)};
  const bool labels_pixels = text(section(recipe, "task"), "type") == "segmentation";
  return {{small / (labels_pixels ? "segmentation-" + size : size)}, ""};
}

std::string toml_path(const fs::path& file) {
  return to_toml(fs::canonical(file).string());
}

std::string toml_of(const std::vector<fs::path>& files) {
  OptionArray list;
  for (const auto& file : files) list.emplace_back(file.string());
  return to_toml(list);
}

/// The recipes that a list of a benchmark names.
std::vector<fs::path> named(const Recipe& benchmark, const std::string& list) {
  std::vector<fs::path> files;
  if (const auto* names = section(benchmark, "benchmark").find(list))
    for (const auto& name : *names->as_array())
      files.push_back(fs::canonical(benchmark.file.parent_path() / *name.as_string()));
  return files;
}

/// Writes recipes with a layer on top, under their names.
std::vector<fs::path> write_layered(const std::vector<fs::path>& files, const fs::path& folder,
                                    const std::function<Layer(const Recipe&)>& layer_of) {
  fs::create_directories(folder);
  std::vector<fs::path> written;
  for (const auto& file : files) {
    auto layer = layer_of(load_recipe(file));
    layer.files.insert(layer.files.begin(), file);
    written.push_back(folder / file.filename());
    std::ofstream(written.back()) << "extends = " << toml_of(layer.files) << "\n" << layer.lines;
  }
  return written;
}

std::vector<std::string> stems_of(const std::vector<fs::path>& files) {
  std::vector<std::string> stems;
  for (const auto& file : files) stems.push_back(file.stem().string());
  return stems;
}

void check_finished(const fs::path& run) {
  INFO(run.string());
  REQUIRE(fs::exists(run / "status.json"));
  CHECK(nlohmann::json::parse(text_of(run / "status.json")).at("state") == "finished");
}

void check_measured(const fs::path& run) {
  check_finished(run);
  REQUIRE(fs::exists(run / "metrics.json"));
  CHECK_FALSE(nlohmann::json::parse(text_of(run / "metrics.json")).at("cases").empty());
}

void check_cells(const SmallBenchmark& benchmark, const fs::path& output) {
  // A list without backbones has one that adds nothing to a path.
  const auto backbones =
      benchmark.backbones.empty() ? std::vector<std::string>{""} : benchmark.backbones;
  for (const auto& row : benchmark.rows)
    for (const auto& backbone : backbones)
      for (const auto seed : benchmark.seeds) {
        const auto repetition = "seed-" + std::to_string(seed);
        check_finished(output / "pretrain" / row / backbone /
                       (benchmark.pretrains_per_seed ? repetition : ""));
        for (const auto& column : benchmark.columns)
          check_measured(output / "adapt" / row / backbone / column / repetition);
      }
}

/// What recipes read from the environment.
void set_places(const fs::path& data) {
  setenv("COVECTOR_DATA", data.c_str(), 1);
  setenv("COVECTOR_SMOKE_DATA", "/nowhere", 1);  // of smoke recipes, whose images are not used
}

/// A benchmark of the same rows and columns with a layer on top of each.
SmallBenchmark write_benchmark(const Recipe& benchmark, const fs::path& folder,
                               const std::function<Layer(const Recipe&)>& layer_of,
                               const std::vector<fs::path>& backbones) {
  const auto pretrain = write_layered(named(benchmark, "pretrain"), folder / "pretrain", layer_of);
  const auto adapt = write_layered(named(benchmark, "adapt"), folder / "adapt", layer_of);
  const auto& options = section(benchmark, "benchmark");
  const bool per_seed = text(options, "pretraining") == "per-seed";
  const bool retests = per_seed && options.find("seeds")->as_array()->size() > 1;

  SmallBenchmark small{folder / benchmark.file.filename(),
                       stems_of(pretrain),
                       stems_of(adapt),
                       stems_of(backbones),
                       {0},
                       per_seed};
  if (retests) small.seeds.push_back(1);
  std::ofstream out(small.recipe);
  out << "extends = " << toml_path(benchmark.file) << "\n\n[benchmark]\n"
      << "pretrain = " << toml_of(pretrain) << "\nadapt = " << toml_of(adapt)
      << "\nbackbones = " << toml_of(backbones) << "\nseeds = " << (retests ? "[0, 1]" : "[0]")
      << "\n";
  if (const auto* published = options.find("published"))
    out << "published = " << toml_path(benchmark.file.parent_path() / *published->as_string())
        << "\n";
  return small;
}

}  // namespace

const fs::path& official_sets() {
  static const ScratchFolder folder;
  static const bool made = (make_official_sets(folder.path()), true);
  static_cast<void>(made);
  return folder.path();
}

SmallBenchmark make_small_benchmark(const fs::path& file, const fs::path& folder) {
  set_places(official_sets());
  const auto benchmark = load_recipe(file);
  std::vector<fs::path> backbones;
  for (const auto& backbone : named(benchmark, "backbones"))
    backbones.push_back(kRecipes / "backbones/smoke" / backbone.filename());
  return write_benchmark(benchmark, folder, small_layer, backbones);
}

SmallBenchmark make_short_benchmark(const fs::path& file, const fs::path& folder,
                                    std::int64_t steps) {
  set_places("/nowhere");
  const auto benchmark = load_recipe(file);
  const auto loop = "[loop]\nsteps = " + std::to_string(steps) + "\n";
  return write_benchmark(
      benchmark, folder,
      [&](const Recipe&) {
        return Layer{{}, loop};
      },
      named(benchmark, "backbones"));
}

void run_whole(const SmallBenchmark& benchmark, const fs::path& data) {
  const ScratchFolder folder;
  set_places(data);
  const auto checked = run_program({"check", benchmark.recipe.string()});
  INFO(benchmark.recipe.string() << "\n" << checked.output << checked.error);
  REQUIRE(checked.code == 0);
  const auto output = folder / "run";
  const auto finished = run_to_end(benchmark.recipe, output);
  INFO(finished.output << finished.error);
  REQUIRE(finished.code == 0);
  check_cells(benchmark, output);
  const auto table = text_of(output / "table.md");
  for (const auto& names : {benchmark.rows, benchmark.columns, benchmark.backbones})
    for (const auto& name : names) CHECK_THAT(table, Catch::Contains(name));
}

}  // namespace covector::testing
