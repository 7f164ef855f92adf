#include "support/catch.h"

#include "methods/method_runs.h"

#include "recipe.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <numeric>
#include <set>

using namespace covector;
using namespace covector::testing;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

fs::path shared() {
  if (const auto* folder = std::getenv("COVECTOR_SHARED")) return folder;
  return fs::path(COVECTOR_SOURCE_DIR) / "../shared";
}

bool has_images() {
  if (fs::exists(shared() / "data")) return true;
  WARN("skipped: no folder " << shared() << "; COVECTOR_SHARED names it");
  return false;
}

/// What a method learns from here. Those that tell images apart by a queue of earlier keys need
/// images that differ, a small rate (else the network runs away from its old keys) and a sharp
/// softmax, to show in 200 steps what they show elsewhere in many thousands.
struct Setting {
  bool distinct = false;  // in 3D: few volumes of different kinds instead of many of one region
  double lr = 1e-3;
  std::string channels = "[8, 16, 16, 32, 32, 32, 16, 16, 8]";
  std::string options;  // over those of the smoke recipe
};

Setting setting_of(const std::string& method, int dimensions) {
  const std::string sharp = "temperature = 0.07\nembedding = 32\n";
  if (dimensions == 2) {
    // Their dense heads see the finest level only, of which eight channels say too little.
    if (method == "densecl" || method == "setsim")
      return {false, 3e-4, "[8, 16, 16, 32, 64, 64, 32, 32, 32]",
              sharp + "hidden = 64\nqueue = 256\ndense_queue = 256\n"};
    return {};
  }
  const std::string light = "[8, 16, 16, 16, 32, 16, 16, 16, 16]";
  if (method == "moco_v2") return {true, 3e-4, light, sharp + "queue = 64\nmomentum = 0.99\n"};
  if (method == "densecl" || method == "setsim" || method == "dsc_pm")
    return {true, 3e-4, light, sharp + "hidden = 32\nqueue = 64\ndense_queue = 64\n"};
  // Most of one crop is like any other: at 1e-3 it comes and goes between 1.8 and 2.5.
  if (method == "simclr") return {false, 3e-4, light, ""};
  // One clustering for all 200 steps: its loss starts again at ln k with each.
  if (method == "deepcluster") return {false, 3e-4, light, "every = 8\n"};
  return {};
}

/// Heads from MR and bodies from CT, seven in all.
fs::path distinct_volumes(const ScratchFolder& folder) {
  fs::create_directories(folder / "volumes");
  for (const auto* name : {"brain-mr/colin27_t1_1mm", "brain-mr/itk_t1_2x2x3mm",
                           "brain-mr/ixi012_t1_2mm", "brain-mr/ixi015_t1_2mm",
                           "brain-mr/pycortex_S1_t1_1mm", "ct-organs-3d/ctA", "ct-organs-3d/ctB"}) {
    const auto file = shared() / "data" / (std::string(name) + ".nii.gz");
    REQUIRE(fs::exists(file));
    fs::create_symlink(fs::canonical(file), folder / "volumes" / file.filename());
  }
  return folder.path();
}

/// Chest X-rays in 2D, in 3D crops around the hippocampus or distinct volumes.
std::string dataset(int dimensions, bool distinct, const ScratchFolder& folder) {
  const auto root =
      distinct ? distinct_volumes(folder)
               : fs::canonical(shared() / (dimensions == 2 ? "data/cxr-pretrain"
                                                           : "data/brain-regions/hippocampus"));
  const std::string volumes = "dimensions = 3\n[dataset.prepare]\nintensity = \"minmax\"\n";
  const std::string rest =
      dimensions == 2 ? "images = \"images\"\n[dataset.prepare]\nsize = [80, 80]\n"
      : distinct      ? "images = \"volumes\"\n" + volumes + "size = [64, 64, 64]\n"
                      : "images = \"imagesTr\"\n" + volumes + "size = [40, 48, 40]\n";
  return "[dataset]\ntype = \"image_folder\"\nroot = \"" + root.string() + "\"\n" + rest +
         "[dataset.split]\nby = \"fractions\"\nfractions = [1, 0, 0]\n";
}

/// A recipe of 200 steps with the method section of its smoke recipe, on views of 64^2 or 32^3.
std::string recipe_text(const std::string& method, int dimensions, const ScratchFolder& folder) {
  setenv("COVECTOR_SMOKE_DATA", "/nowhere", 1);  // of the smoke recipe's own dataset, not used
  const auto setting = setting_of(method, dimensions);
  auto options = *load_recipe(smoke_recipe_of(method, dimensions)).table.find("method")->as_table();
  options.set("crop", OptionArray(dimensions, std::int64_t{dimensions == 2 ? 64 : 32}));
  const auto own =
      folder.write("options.toml", "kind = \"pretrain\"\n[method]\n" + setting.options);
  const auto over = load_recipe(own);
  for (const auto& [key, value] : over.table.find("method")->as_table()->entries)
    options.set(key, value);
  std::string text = "kind = \"pretrain\"\n" + dataset(dimensions, setting.distinct, folder) +
                     "[backbone]\ntype = \"unet\"\nchannels = " + setting.channels + "\n[method]\n";
  for (const auto& [key, value] : options.entries)
    text += to_toml_key(key) + " = " + to_toml(value) + "\n";
  return text + "[optimiser]\ntype = \"adam\"\nlr = " + to_toml(setting.lr) +
         "\nclip_norm = 1.0\n[loop]\nsteps = 200\nbatch = " + (dimensions == 2 ? "8" : "4") +
         "\nlog_every = 1\nmonitor_every = 20\ncheckpoint_every = 200\n";
}

double mean(const double* first, std::size_t count) {
  return std::accumulate(first, first + count, 0.0) / static_cast<double>(count);
}

bool is_loss(const std::string& entry) {
  return entry == "loss" || entry.starts_with("loss/");
}

/// Where the comparison begins. A queue starts with random keys, which are easy to tell apart: the
/// loss rises while it fills, which it has in 40 steps.
std::size_t first_step(const fs::path& recipe) {
  const auto loaded = load_recipe(recipe);
  const auto* queue = loaded.table.find("method")->as_table()->find("queue");
  return queue ? 40 : 0;
}

/// 200 steps: everything finite, each loss lower over the last 40 steps than over the first 40 that
/// are looked at, and no embedding collapsed.
void check_learns(const std::string& method, int dimensions) {
  const ScratchFolder folder;
  const auto recipe = folder.write("recipe.toml", recipe_text(method, dimensions, folder));
  const auto run = folder / "run";
  const auto begin = std::chrono::steady_clock::now();
  const auto finished = run_to_end(recipe, run, {"--quiet"});
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  INFO(method << " in " << dimensions << "D\n" << finished.error);
  REQUIRE(finished.code == 0);
  std::string line = method + " " + std::to_string(dimensions) + "D:";
  for (const auto& entry : entries_of(run)) {
    const auto values = logged(run, entry);
    const bool finite =
        std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
    INFO(entry);
    if (entry != "time") CHECK(finite);
    if (is_loss(entry)) {
      const auto first = first_step(recipe);
      REQUIRE(values.size() >= first + 80);
      const auto early = mean(values.data() + first, 40);
      const auto late = mean(values.data() + values.size() - 40, 40);
      CHECK(late < early);
      line += " " + entry + " " + std::to_string(early) + " -> " + std::to_string(late);
    }
    if (entry.starts_with("monitor/") && entry.ends_with("/level")) {
      // Of what the loss compares: a standard deviation above a tenth of the even one, unless it
      // was as small before there was anything to learn from. Pooled features share an offset,
      // which their spread is small against throughout.
      if (entry.starts_with("monitor/z"))
        CHECK((values.back() < 0.9 || values.back() < values.front()));
      line += " " + entry + " " + std::to_string(values.back());
    }
  }
  std::cout << line << " (" << seconds.count() << " s)" << std::endl;
}

void run_briefly(const std::string& method, int dimensions, const Words& more) {
  const ScratchFolder folder;
  Words words{"--quiet",          "-s", "loop.steps=3",        "-s",
              "loop.log_every=1", "-s", "loop.monitor_every=0"};
  words.insert(words.end(), more.begin(), more.end());
  const auto finished = run_to_end(smoke_recipe_of(method, dimensions), folder / "run", words);
  INFO(method << " in " << dimensions << "D\n" << finished.output << finished.error);
  CHECK(finished.code == 0);
  for (const auto& entry : entries_of(folder / "run"))
    if (is_loss(entry))
      for (const auto value : logged(folder / "run", entry)) CHECK(std::isfinite(value));
}

void check_refused(const std::string& method, int dimensions, const Words& more,
                   const std::string& words) {
  const ScratchFolder folder;
  const auto finished = run_to_end(smoke_recipe_of(method, dimensions), folder / "run", more);
  INFO(method << " in " << dimensions << "D\n" << finished.output << finished.error);
  CHECK(finished.code == 2);
  CHECK_THAT(finished.error, Contains("[method]") && Contains(words));
  CHECK_FALSE(fs::exists(folder / "run"));
}

}  // namespace

TEST_CASE("methods learn on real images in 2D", "[methods][slow]") {
  if (!has_images()) return;
  for (const auto& method : methods()) DYNAMIC_SECTION(method) {
      check_learns(method, 2);
    }
}

TEST_CASE("methods learn on real images in 3D", "[methods][slow]") {
  if (!has_images()) return;
  for (const auto& method : methods()) DYNAMIC_SECTION(method) {
      check_learns(method, 3);
    }
}

TEST_CASE("each method runs in bfloat16", "[methods][slow]") {
  for (const auto dimensions : {2, 3})
    for (const auto& method : methods())
      run_briefly(method, dimensions, {"-s", "loop.precision=bfloat16"});
}

TEST_CASE("each method takes views with unequal sides", "[methods][slow]") {
  for (const auto& method : methods()) {
    // A turned view has another shape, unless the turn leaves its axes: rotation about one axis.
    if (method == "rotation") {
      check_refused(method, 2, {"-s", "method.crop=[32, 48]"}, "'crop'");
      continue;
    }
    run_briefly(method, 2, {"-s", "method.crop=[32, 48]"});
    run_briefly(method, 3, {"-s", "method.crop=[16, 16, 32]"});
  }
}

TEST_CASE("each method takes a batch of one, or says why not", "[methods][slow]") {
  for (const auto dimensions : {2, 3})
    for (const auto& method : methods())
      if (method == "simclr")  // one row a view has no negatives
        check_refused(method, dimensions, {"-s", "loop.batch=1"}, "negatives");
      else
        run_briefly(method, dimensions, {"-s", "loop.batch=1"});
}

TEST_CASE("all methods in one benchmark, in minutes", "[methods][slow]") {
  const ScratchFolder folder;
  const auto recipe = fs::path(COVECTOR_SOURCE_DIR) / "recipes/benchmark/smoke-2d.toml";
  const auto begin = std::chrono::steady_clock::now();
  const auto finished = run_to_end(recipe, folder / "run");
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  INFO(finished.output << finished.error);
  REQUIRE(finished.code == 0);
  std::cout << finished.output << seconds.count() << " s\n";
  CHECK(seconds.count() < 15 * 60);
  const auto table = text_of(folder / "run/table.md");
  for (const auto& method : methods()) CHECK_THAT(table, Contains("\n| " + method + " "));
  CHECK_THAT(table, Contains("\n| scratch "));
  CHECK_THAT(table, Contains("\n| dsc_pm (") && Contains("\n| vader ("));
}
