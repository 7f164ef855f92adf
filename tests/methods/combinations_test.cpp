#include "support/catch.h"

#include "methods/method_runs.h"

#include "assemble.h"
#include "recipe.h"

using namespace covector;
using namespace covector::testing;
namespace fs = std::filesystem;

namespace {

const std::string kUkan = R"({ type = "ukan", channels = [32, 40, 64] })";
const std::string kSwinunet =
    R"({ type = "swinunet", image_size = [32], window = 4, embed_dim = 12, heads = [1, 2, 4, 4] })";
const std::string kTransunet =
    R"({ type = "transunet", image_size = 32, width = 32, units = [1, 1, 1], layers = 1, )"
    R"(hidden = 32, mlp = 32, heads = 4, channels = [32, 32, 16, 16, 16] })";

/// What comes of starting a recipe with other values, on data that is not there.
std::string outcome(const fs::path& file, const std::vector<std::string>& values) {
  setenv("COVECTOR_SMOKE_DATA", "/nowhere", 1);
  Registries registries;
  PluginLoader loader(registries, {fs::path(COVECTOR_BINARY_DIR) / "lib/covector/plugins"});
  Problems problems;
  try {
    const auto plan = read_plan(load_recipe(file, values), registries, loader, problems);
    problems.raise();
    assemble(plan, registries, loader, /*open_data=*/true);
    return "opened";
  } catch (const Error& error) {
    return error.what();
  }
}

const std::string kNoData = "/nowhere/images: is no folder; check root, images and masks";

}  // namespace

TEST_CASE("2D networks refuse volumes", "[methods][errors]") {
  const auto recipe = smoke_recipe_of("cover", 3);
  CHECK(outcome(recipe, {"backbone=" + kTransunet}) ==
        "[backbone] 'transunet' takes 2D images, the dataset yields volumes; take "
        "\"unet\", or read their slices");
  CHECK(outcome(recipe, {"backbone=" + kSwinunet}) ==
        "[backbone] 'swinunet' takes 2D images, the dataset yields volumes; take \"unet\", "
        "or read their slices");
  CHECK(outcome(recipe, {"backbone=" + kUkan}) ==
        "[backbone] 'ukan' runs on images, the dataset has 3 axes; take slices of the "
        "volumes, or \"unet\"");
}

TEST_CASE("every method refuses views that the backbone cannot take", "[methods][errors]") {
  for (const auto& method : methods()) {
    INFO(method);
    const auto recipe = smoke_recipe_of(method, 2);
    CHECK(outcome(recipe, {"backbone=" + kSwinunet, "method.crop=[48]"}) ==
          "[method] 'crop' must be a multiple of 32 along every axis, which the backbone "
          "asks for; got [48, 48]");
    CHECK(outcome(recipe, {"backbone=" + kTransunet, "method.crop=[32, 16]"}) ==
          "[backbone] 'transunet' takes sides of at least 32: at stride 16 it normalises "
          "each channel by itself, and of a single pixel that leaves nothing. Take larger "
          "views");
  }
}

TEST_CASE("every method refuses to train U-KAN on one value a channel", "[methods][errors]") {
  const std::string words =
      "[backbone] 'ukan' cannot be trained on one view of [32, 32] at a time: its batch "
      "normalisation at stride 32 would see one value a channel, which has no variance. Take "
      "larger views, or more of them a forward pass";
  const std::string crop = "method.crop=[32]";
  for (const auto& method : methods()) {
    INFO(method);
    // Rotation shows its sample in four copies, and SimCLR both of its views together; a single
    // sample leaves SimCLR without negatives.
    if (method == "rotation" || method == "simclr") continue;
    CHECK(outcome(smoke_recipe_of(method, 2), {"backbone=" + kUkan, crop, "loop.batch=1"}) ==
          words);
    CHECK(outcome(smoke_recipe_of(method, 2),
                  {"backbone=" + kUkan, crop, "loop.batch=2", "loop.accumulate=2"}) == words);
  }
  for (const auto* enough : {"loop.batch=2", "method.crop=[64]"})
    CHECK(outcome(smoke_recipe_of("cover", 2), {"backbone=" + kUkan, "loop.batch=1", enough}) ==
          kNoData);
  CHECK(outcome(smoke_recipe_of("rotation", 2), {"backbone=" + kUkan, crop, "loop.batch=1"}) ==
        kNoData);
  CHECK(outcome(smoke_recipe_of("byol", 2),
                {"backbone=" + kUkan, crop, "loop.batch=1", "method.crops=2"}) == kNoData);

  const std::vector<std::string> one{"backbone=" + kUkan, "loop.batch=2", "loop.accumulate=2",
                                     "loop.steps=2"};
  CHECK(outcome(smoke_recipe("segment"), one) == words);
  // As a probe it stays in evaluation mode.
  CHECK(outcome(smoke_recipe("probe"), one) == kNoData);
}

TEST_CASE("methods refuse pyramids that do not have what they ask for", "[methods][errors]") {
  CHECK(outcome(smoke_recipe_of("cover", 2),
                {"backbone=" + kUkan, "method.groups=[4, 4, 4, 1, 1]"}) ==
        "[method] 'groups' has 5 numbers, the backbone has 6 levels; the paper's rule "
        "gives [4, 4, 4, 4, 1, 1]");
  CHECK(outcome(smoke_recipe_of("cover", 2),
                {"backbone=" + kTransunet, "method.groups=[4, 4, 4, 4, 1, 1]"}) ==
        "[method] 'groups' has 6 numbers, the backbone has 5 levels; the paper's rule "
        "gives [4, 4, 4, 1, 1]");
  CHECK(outcome(smoke_recipe_of("chaitanya", 2), {"backbone=" + kUkan, "method.level=6"}) ==
        "[method] 'level' is 6, the backbone has levels 0 to 5");
  CHECK(outcome(smoke_recipe_of("chaitanya", 2), {"backbone=" + kUkan, "method.level=2"}) ==
        "[method] level 2 of the backbone is [4, 4] for views of the size of 'crop'; "
        "regions need 8 voxels along every axis. Take larger views or a finer 'level'");
  CHECK(outcome(smoke_recipe_of("deepcluster", 2), {"backbone=" + kUkan, "method.pca=65"}) ==
        "[method] 'pca' is 65, the backbone's coarsest level has 64 channels; give at most "
        "as many principal axes");
}
