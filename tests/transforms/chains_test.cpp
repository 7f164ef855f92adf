#include "support/catch.h"

#include "covector/core/plugin.h"
#include "covector/transforms/chains.h"
#include "plugins/small_backbone.h"
#include "sources.h"

#include <torch/types.h>

using namespace covector;
using namespace covector::transforms;

extern "C" const CovectorPluginInfo* covector_plugin_info();

namespace {

using Size = std::vector<std::int64_t>;

std::string text(const Parts& chain) {
  std::string all;
  for (const auto& element : chain) all += (all.empty() ? "" : "\n") + to_toml(element);
  return all;
}

// What a chain makes of one random image, every element applied.
View run(const Parts& chain, const Size& source) {
  Registries registries;
  Registrar registrar(registries, {"transforms", "0.1.0", "in the test"});
  covector_plugin_info()->register_all(registrar);
  View view(testing::speckle(2, 1, source));
  std::uint64_t first = 0;
  for (const auto& element : chain) {
    OptionTable own;
    for (const auto& item : element.entries)
      if (item.first != "probability" && item.first != "shared") own.set(item.first, item.second);
    auto draws = testing::draws_of(2, first);
    registries.of<Transform>().create(own, "views.v")->apply(view, draws);
    first += 10;
  }
  return view;
}

}  // namespace

TEST_CASE("a part is a table with its type first", "[transforms]") {
  CHECK(to_toml(part("crop", {{"size", 3}, {"draw", "batch"}})) ==
        R"({ type = "crop", size = 3, draw = "batch" })");
}

TEST_CASE("the size of views has one number an axis, or one for all", "[transforms]") {
  const testing::SmallBackbone flat({1, 2});
  const testing::SmallBackbone deep({1, 3});
  CHECK(view_size("crop", {8}, flat, 1) == Size{8, 8});
  CHECK(view_size("crop", {8, 12}, flat, 1) == Size{8, 12});
  CHECK(view_size("crop", {4}, deep, 1) == Size{4, 4, 4});
  CHECK_THROWS_WITH(view_size("crop", {8, 8}, deep, 1),
                    "[method] 'crop' has 2 numbers, the images have 3 axes");
  CHECK_THROWS_AS(view_size("crop", {8, 8}, deep, 1), RecipeError);
  CHECK_THROWS_WITH(view_size("patch", {8, 6}, flat, 1),
                    "[method] 'patch' must be a multiple of 4 along every axis, which the backbone "
                    "asks for; got [8, 6]");
}

TEST_CASE("the chain of global contrastive methods", "[transforms]") {
  CHECK(
      text(chain_of(global_chain({64, 48}))) ==
      R"({ type = "random_resized_crop", size = [64, 48], scale = [0.2, 1.0], ratio = [0.75, 1.3333333333333333] }
{ type = "flip", axis_probability = [0.0, 0.5] }
{ type = "jitter", brightness = 0.4, contrast = 0.4, probability = 0.8 }
{ type = "gamma", exponent = [0.7, 1.5], probability = 0.3 }
{ type = "blur", sigma = [0.1, 2.0], radius = "three_sigma", probability = 0.5 })");
  CHECK(
      text(chain_of(global_chain({16, 16, 16}))) ==
      R"({ type = "random_resized_crop", size = [16, 16, 16], scale = [0.2, 1.0], ratio = [1.0, 1.0] }
{ type = "flip", axis_probability = [0.5, 0.5, 0.5] }
{ type = "jitter", brightness = 0.4, contrast = 0.4, probability = 0.8 }
{ type = "gamma", exponent = [0.7, 1.5], probability = 0.3 }
{ type = "blur", sigma = [0.1, 1.15], radius = "three_sigma", probability = 0.5 })");
}

TEST_CASE("the chain of dense contrastive methods", "[transforms]") {
  auto views = dense_chain({16, 16, 16});
  views.solarise_probability = 0.2;
  CHECK(
      text(chain_of(views)) ==
      R"({ type = "random_resized_crop", size = [16, 16, 16], scale = [0.2, 1.0], ratio = [0.75, 1.3333333333333333] }
{ type = "flip", axis_probability = [0.0, 0.0, 0.5] }
{ type = "jitter", brightness = 0.4, contrast = 0.4, probability = 0.8 }
{ type = "blur", sigma = [0.1, 2.0], radius = "three_sigma", probability = 0.5 }
{ type = "solarise", probability = 0.2 })");
}

TEST_CASE("the chain for chest X-rays only turns and mirrors", "[transforms]") {
  CHECK(
      text(chain_of(chest_xray_chain({64, 64}))) ==
      R"({ type = "affine", degree = 1.0, rotation = 10.0, angles = 1, scale = 0.0, translation = 0.0, shear = 0.0 }
{ type = "resize", size = [64, 64] }
{ type = "flip", axis_probability = [0.0, 0.5] })");
}

TEST_CASE("the views of restoration share their window and mirror images", "[transforms]") {
  const auto noise = part("noise");
  const auto views = clean_and_damaged(shared_window({8, 12}), {noise});
  REQUIRE(views.size() == 2);
  CHECK(views[0].name == "clean");
  CHECK(text(views[0].chain) == R"({ type = "crop", size = [8, 12], shared = true }
{ type = "flip", axis_probability = [0.0, 0.5], shared = true })");
  CHECK(views[1].name == "damaged");
  CHECK(text(views[1].chain) == text(views[0].chain) + "\n{ type = \"noise\" }");
  CHECK(text(shared_window({8, 8, 8})) == R"({ type = "crop", size = [8, 8, 8], shared = true }
{ type = "flip", axis_probability = [0.5], shared = true })");
  CHECK(text(shared_window({8, 8}, part("flip", {{"go_on", 0.4}}))) ==
        R"({ type = "crop", size = [8, 8], shared = true }
{ type = "flip", go_on = 0.4, shared = true })");
}

TEST_CASE("every element of every chain is a transform that takes these options", "[transforms]") {
  for (const auto& source : {Size{24, 20}, Size{12, 14, 18}}) {
    const Size size(source.size(), 8);
    auto all = global_chain(size);
    all.solarise_probability = 0.2;
    all.quarter_turn_probability = 0.5;
    all.rotation = 5;
    for (const auto& views : {all, dense_chain(size), chest_xray_chain(size)}) {
      auto view = run(chain_of(views), source);
      CHECK(view.size() == size);
      CHECK(view.image().isfinite().all().item<bool>());
    }
    CHECK(run(shared_window(size), source).size() == size);
    CHECK(run(shared_window(size, part("flip", {{"go_on", 0.4}})), source).size() == size);
  }
}
