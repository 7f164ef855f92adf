#include "support/catch.h"

#include "covector/core/error.h"
#include "covector/transforms/image_pair.h"
#include "plugins/small_backbone.h"

#include <torch/types.h>

using namespace covector;
using namespace covector::transforms;

namespace {

std::vector<std::string> texts(const Parts& chain) {
  std::vector<std::string> all;
  for (const auto& element : chain) all.push_back(to_toml(element));
  return all;
}

View view_of(at::IntArrayRef shape) {
  return View(Batch{torch::zeros(shape), {}, {"x"}, {}});
}

}  // namespace

TEST_CASE("the damage of GVSL and GEMINI has the authors' numbers", "[transforms]") {
  CHECK(
      texts(house_damage(3)) ==
      std::vector<std::string>{
          R"({ type = "local_shuffle", side = [0.05, 0.05], windows = 5000, permutation = "shared", probability = 0.8 })",
          R"({ type = "intensity_map", decreasing = 0.0, probability = 0.9 })",
          R"({ type = "inpaint", boxes = 30, side = [0.1, 0.2] })"});
  const auto plane = house_damage(2);
  CHECK(std::get<std::int64_t>(plane[0].find("windows")->data) == 1000);
  CHECK(std::get<double>(std::get<OptionArray>(plane[0].find("side")->data)[1].data) ==
        Approx(1.0 / 30));
  CHECK(to_toml(plane[2]) == R"({ type = "inpaint", boxes = 10, side = [0.05, 0.1] })");
}

TEST_CASE("pairs of images are moved alike, and one is damaged first", "[transforms]") {
  const auto specs = image_pair({.size = {8, 12},
                                 .damage = {part("noise")},
                                 .moved = {part("affine")},
                                 .moved_after = {part("elastic")},
                                 .pair_phase = "one",
                                 .damaged_phase = "two"});
  REQUIRE(specs.size() == 3);
  const std::vector<std::string> moved{R"({ type = "affine", shared = true })",
                                       R"({ type = "crop", size = [8, 12], shared = true })",
                                       R"({ type = "elastic", shared = true })"};
  CHECK(specs[0].name == "a");
  CHECK(specs[0].image == 0);
  CHECK(specs[0].phase.empty());
  CHECK(texts(specs[0].chain) == moved);
  CHECK(specs[1].name == "b");
  CHECK(specs[1].image == 1);
  CHECK(specs[1].phase == "one");
  CHECK(texts(specs[1].chain) == moved);
  CHECK(specs[2].name == "damaged");
  CHECK(specs[2].image == 0);
  CHECK(specs[2].phase == "two");
  auto damaged = moved;
  damaged.insert(damaged.begin(), R"({ type = "noise" })");
  CHECK(texts(specs[2].chain) == damaged);
}

TEST_CASE("views of different size are refused by name", "[transforms][errors]") {
  Views views;
  views.emplace("a", view_of({1, 1, 32, 32}));
  views.emplace("b", view_of({1, 1, 32, 32}));
  CHECK_NOTHROW(check_one_size("gvsl", views));
  views.emplace("c", view_of({1, 1, 32, 16}));
  CHECK_THROWS_AS(check_one_size("gvsl", views), RecipeError);
  CHECK_THROWS_WITH(check_one_size("gvsl", views),
                    "[views] 'a' ends with size [32, 32], 'c' with [32, 16]; method 'gvsl' needs "
                    "one size");
}

TEST_CASE("a method that compares voxels needs a backbone of full resolution",
          "[transforms][errors]") {
  CHECK_NOTHROW(check_voxelwise("gvsl", testing::SmallBackbone({1, 2})));
  const testing::SmallBackbone coarse({1, 2}, {6, 5}, {4, 2});
  CHECK_THROWS_AS(check_voxelwise("gvsl", coarse), RecipeError);
  CHECK_THROWS_WITH(check_voxelwise("gvsl", coarse),
                    "[backbone] the finest level has stride 2; method 'gvsl' compares voxels and "
                    "needs stride 1");
}
