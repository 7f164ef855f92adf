#include "support/catch.h"

#include "smoke/dataset_run.h"

#include "smoke/smoke_run.h"
#include "support/scratch_folder.h"

#include <fstream>
#include <sstream>

namespace covector::testing {
namespace fs = std::filesystem;
namespace {

std::string part_of(Use use, const std::string& crop) {
  switch (use) {
    case Use::pretrain:
      return "[method]\ntype = \"cover\"\ncrop = " + crop + "\n[loop]\nsteps = 20\n";
    case Use::segment:
      return "[task]\ntype = \"segmentation\"\ncrop = " + crop + "\nwindow = " + crop +
             "\n[loop]\nsteps = 4\nvalidate_every = 4\n";
    case Use::classify:
      return "[task]\ntype = \"classification\"\ncrop = " + crop +
             "\n[loop]\nsteps = 4\nvalidate_every = 4\n";
  }
  throw std::logic_error("no such use");
}

std::string recipe_of(const std::string& type, const fs::path& root, const std::string& dataset,
                      Use use, int dimensions) {
  const auto* crop = dimensions == 2 ? "[32, 32]" : "[16, 16, 16]";
  const auto* widths =
      dimensions == 2 ? "[8, 8, 8, 16, 16, 16, 8, 8, 8]" : "[8, 8, 8, 8, 16, 8, 8, 8, 8]";
  return std::string("kind = \"") + (use == Use::pretrain ? "pretrain" : "adapt") +
         "\"\nname = \"small\"\n[dataset]\ntype = \"" + type + "\"\nroot = \"" + root.string() +
         "\"\n" + dataset + "\n[backbone]\ntype = \"unet\"\nchannels = " + widths +
         "\n[optimiser]\ntype = \"adam\"\nlr = 1e-3\n" + part_of(use, crop) + "batch = 2\n";
}

// A set may say things aloud; nothing else is told on the standard error.
void check_done(const Finished& finished) {
  INFO(finished.output << finished.error);
  REQUIRE(finished.code == 0);
  std::istringstream said(finished.error);
  for (std::string line; std::getline(said, line);) CHECK_THAT(line, Catch::StartsWith("note: "));
}

}  // namespace

void run_on_dataset(const std::string& type, const fs::path& root, const std::string& dataset,
                    Use use, int dimensions) {
  const ScratchFolder folder;
  const auto recipe = folder / "recipe.toml";
  std::ofstream(recipe) << recipe_of(type, root, dataset, use, dimensions);
  INFO(type << " at " << root.string());
  check_done(run_program({"data", "check", "--recipe", recipe.string()}));
  const auto cache = folder / "prepared";
  check_done(run_program({"data", "prepare", "--recipe", recipe.string(), cache.string()}));
  check_done(run_to_end(recipe, folder / "files"));
  check_done(
      run_to_end(recipe, folder / "cache", {"-s", "dataset.prepared=\"" + cache.string() + "\""}));
  for (const auto* run : {"files", "cache"})
    CHECK(fs::exists(folder / run / "metrics.json") == (use != Use::pretrain));
}

}  // namespace covector::testing
