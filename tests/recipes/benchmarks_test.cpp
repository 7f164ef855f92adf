#include "support/catch.h"

#include "plan.h"
#include "recipes/small_benchmark.h"
#include "support/scratch_folder.h"

#include <algorithm>

using namespace covector;
using namespace covector::testing;
namespace fs = std::filesystem;

namespace {

const fs::path kRecipes = fs::path(COVECTOR_SOURCE_DIR) / "recipes";

/// The benchmarks among the recipes of a folder.
std::vector<fs::path> benchmarks_in(const std::string& folder) {
  setenv("COVECTOR_DATA", "/nowhere", 1);
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(kRecipes / folder))
    if (entry.path().extension() == ".toml" && kind_of(load_recipe(entry.path())) == "benchmark")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

void run_small(const fs::path& recipe) {
  const ScratchFolder folder;
  run_whole(make_small_benchmark(recipe, folder.path()), official_sets());
}

/// The real images of the mini-benchmarks, where they are.
fs::path real_images() {
  const auto* folder = std::getenv("COVECTOR_SHARED");
  return (folder ? fs::path(folder) : fs::path(COVECTOR_SOURCE_DIR) / "../shared") / "data";
}

}  // namespace

TEST_CASE("an ablation in small, from its official sets", "[recipes]") {
  run_small(kRecipes / "ablation/components.toml");
}

TEST_CASE("the paper's tables in small, from all nine official sets", "[recipes][slow]") {
  for (const auto* name : {"table1-2d", "table1-3d", "cross-architecture"}) DYNAMIC_SECTION(name) {
      run_small(kRecipes / "benchmark" / (std::string(name) + ".toml"));
    }
}

TEST_CASE("every ablation in small, from its official sets", "[recipes][slow]") {
  const auto recipes = benchmarks_in("ablation");
  CHECK(recipes.size() >= 10);
  for (const auto& recipe : recipes) DYNAMIC_SECTION(recipe.stem().string()) {
      run_small(recipe);
    }
}

TEST_CASE("five steps of all that the mini-benchmarks run", "[recipes][slow]") {
  if (!fs::exists(real_images())) {
    WARN("skipped: no folder " << real_images() << "; COVECTOR_SHARED names its parent");
    return;
  }
  for (const auto* name : {"mini-2d", "mini-3d"}) DYNAMIC_SECTION(name) {
      const ScratchFolder folder;
      run_whole(make_short_benchmark(kRecipes / "benchmark" / (std::string(name) + ".toml"),
                                     folder.path(), 5),
                fs::canonical(real_images()));
    }
}
