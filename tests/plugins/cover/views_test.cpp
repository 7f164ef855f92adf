#include "support/catch.h"
#include "support/numeric.h"
#include "support/samples.h"

#include "covector/core/plugin_loader.h"
#include "cover.h"
#include "plugins/small_backbone.h"
#include "view_chain.h"

#include <torch/types.h>

/// The default views with the real transforms, opened from their plug-in.
namespace covector::cover {
namespace {

struct Program {
  Registries registries;
  PluginLoader loader{registries, {std::string(COVECTOR_BINARY_DIR) + "/lib/covector/plugins"}};
};

Cover make(const std::string& form, std::int64_t dimensions, std::int64_t crop) {
  Options options;
  options.form = form;
  options.crop = {crop};
  const InputSpec input{1, dimensions};
  return {options, std::make_shared<testing::SmallBackbone>(input), MethodInput{input}};
}

Views views_of(const std::vector<ViewSpec>& specs, const at::Tensor& image) {
  Program program;
  Problems problems;
  const ViewChains chains(specs, program.registries, program.loader, problems);
  problems.raise();
  return chains.make({testing::apart(image)}, 7, 11);
}

std::vector<ViewSpec> without_appearance(std::vector<ViewSpec> specs) {
  for (auto& link : specs.at(1).chain)
    if (link.find("probability")) link.set("probability", 0.0);
  return specs;
}

// Linear in the position, so that linear interpolation is exact.
at::Tensor ramp(std::vector<std::int64_t> shape) {
  const auto batch = shape.front();
  shape.erase(shape.begin(), shape.begin() + 2);
  const auto grid = voxel_grid(shape, torch::kFloat64);
  auto values = torch::full({1}, 1.0, torch::kFloat64);
  for (std::int64_t axis = 0; axis < grid.size(1); ++axis)
    values = values + 0.1 * (axis + 1) * grid.select(1, axis).unsqueeze(1);
  std::vector<std::int64_t> repeats(shape.size() + 2, 1);
  repeats.front() = batch;
  return values.repeat(repeats);
}

TEST_CASE("the default views give a target that leads from fixed to moving", "[cover]") {
  for (const std::int64_t d : {2, 3}) {
    const auto cover = make("paper", d, 16);
    std::vector<std::int64_t> shape(d + 2, 24);
    shape[0] = 3;
    auto views = views_of(without_appearance(cover.views()), ramp(shape));
    const auto u = Cover::target_of(views);
    const auto seen = inside(u);
    REQUIRE(seen.sum().item<double>() > 100);
    REQUIRE(u.abs().max().item<double>() > 2);
    const auto moved = warp(views.at("moving").image(), u);
    CHECK(testing::max_gap(views.at("fixed").image().masked_select(seen),
                           moved.masked_select(seen)) < 1e-12);
    // One window for the batch, one affine field a sample.
    const auto window = views.at("moving").map().matrix();
    CHECK(torch::equal(window[0], window[1]));
    CHECK_FALSE(torch::equal(u[0], u[1]));
  }
}

TEST_CASE("the target of the released form is the affine field of the authors' code", "[cover]") {
  // Centred at size // 2: without any warp the field is half a voxel along even sides.
  auto options = Options{};
  options.form = "released";
  options.crop = {16};
  options.degree = 0;
  const Cover cover(options, std::make_shared<testing::SmallBackbone>(InputSpec{}), {});
  auto views = views_of(cover.views(), torch::rand({2, 1, 24, 24}));
  CHECK(testing::max_gap(Cover::target_of(views), torch::full({2, 2, 16, 16}, 0.5)) < 1e-6);
}

TEST_CASE("the moving view changes its looks, and a step trains on both", "[cover]") {
  for (const auto* form : {"paper", "released"}) {
    for (const std::int64_t d : {2, 3}) {
      auto cover = make(form, d, 16);
      cover.to(torch::kFloat64);
      std::vector<std::int64_t> shape(d + 2, 24);
      shape[0] = 2;
      shape[1] = 1;
      torch::manual_seed(3);
      const auto image = torch::rand(shape, torch::kFloat64);
      auto views = views_of(cover.views(), image);
      auto plain = views_of(without_appearance(cover.views()), image);
      CHECK(testing::max_gap(views.at("moving").image(), plain.at("moving").image()) > 0.1);
      CHECK(torch::equal(views.at("fixed").image(), plain.at("fixed").image()));

      const auto result = cover.step(views, {"train"});
      CHECK(result.loss.isfinite().item<bool>());
      CHECK(result.logs.at("cover/mask_mean").item<double>() > 0.05);
      result.loss.backward();
      for (const auto& item : cover.named_parameters()) {
        INFO(item.key());
        CHECK(item.value().grad().isfinite().all().item<bool>());
      }
    }
  }
}

TEST_CASE("source_size stretches images before the views are made", "[cover]") {
  Options options;
  options.crop = {16};
  options.source_size = 24;
  const Cover cover(options, std::make_shared<testing::SmallBackbone>(InputSpec{}), {});
  auto views = views_of(without_appearance(cover.views()), ramp({1, 1, 47, 12}));
  CHECK(views.at("moving").size() == std::vector<std::int64_t>{16, 16});
  const auto u = Cover::target_of(views);
  const auto seen = inside(u);
  CHECK(testing::max_gap(views.at("fixed").image().masked_select(seen),
                         warp(views.at("moving").image(), u).masked_select(seen)) < 1e-12);
}

}  // namespace
}  // namespace covector::cover
