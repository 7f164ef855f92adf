#include "support/catch.h"
#include "support/fill.h"
#include "support/golden.h"
#include "support/numeric.h"

#include "cover.h"
#include "plugins/cover/slow_cover.h"
#include "plugins/small_backbone.h"
#include "unet.h"

#include <ATen/autocast_mode.h>
#include <torch/types.h>

#include <cmath>
#include <filesystem>
#include <set>

namespace covector::cover {
namespace {

using testing::SmallBackbone;

Options small(const std::string& form = "paper") {
  Options options;
  options.form = form;
  options.crop = {8, 12};
  options.groups = {2, 2, 1};
  options.head_dim = 3;
  options.radius = 1;
  return options;
}

std::shared_ptr<Cover> double_cover(const Options& options, const InputSpec& input = {}) {
  torch::manual_seed(5);
  auto cover =
      std::make_shared<Cover>(options, std::make_shared<SmallBackbone>(input), MethodInput{input});
  cover->to(torch::kFloat64);
  return cover;
}

at::Tensor total(const Cover::Outcome& outcome) {
  return outcome.vector_loss + outcome.consistency_loss;
}

// ---- against the authors' published code --------------------------------------------------------

void check_golden(const std::string& name, const InputSpec& input,
                  std::vector<std::int64_t> shape) {
  const auto wanted = testing::golden("cover.json").at(name);
  unet::Options network;
  network.channels = wanted.at("chan").get<std::vector<std::int64_t>>();
  Options options;
  options.form = "released";
  options.crop.assign(shape.begin() + 2, shape.end());
  options.groups = wanted.at("groups").get<std::vector<std::int64_t>>();
  options.head_dim = wanted.at("head_dim");
  options.radius = wanted.at("radius");
  Cover cover(options, std::make_shared<unet::Unet>(network, input), MethodInput{input});
  cover.to(torch::kFloat64);
  testing::fill_golden(cover);

  auto flow_shape = shape;
  flow_shape[1] = input.dimensions;
  const auto fixed = 0.5 + testing::wave(shape, 0.017, 0.5, 0.7);
  const auto moving = 0.5 + testing::wave(shape, 0.013, 0.5, 0.0);
  const auto outcome = cover.compare(fixed, moving, testing::wave(flow_shape, 0.003, 3, 0));
  testing::check_summary(outcome.fixed.back(), wanted.at("finest_fixed"));
  testing::check_summary(outcome.moving.back(), wanted.at("finest_moving"));
  testing::check_summary(outcome.flows.levels.back(), wanted.at("flow"));
  const testing::Tolerance relative{0, 1e-9};
  testing::check_near(outcome.mask.to(torch::kFloat64).mean().item<double>(),
                      wanted.at("mask_mean"), {0, 1e-14});
  testing::check_near(outcome.vector_loss.item<double>(), wanted.at("loss_vector"), relative);
  testing::check_near(outcome.consistency_loss.item<double>(), wanted.at("loss_consistency"),
                      relative);

  total(outcome).backward();
  double squares = 0;
  std::int64_t numbers = 0;
  for (const auto& parameter : cover.named_parameters()) {
    INFO(parameter.key());
    REQUIRE(parameter.value().grad().defined());
    squares += parameter.value().grad().square().sum().item<double>();
    numbers += parameter.value().numel();
  }
  CHECK(numbers == wanted.at("parameters").get<std::int64_t>());
  testing::check_near(std::sqrt(squares), wanted.at("grad_norm"), relative);
  testing::check_summary(cover.named_parameters()["backbone.inc.double_conv.0.weight"].grad(),
                         wanted.at("grad_first"));
  testing::check_summary(cover.named_parameters()["proj.0.proj.weight"].grad(),
                         wanted.at("grad_proj0"));
}

TEST_CASE("released COVER equals the authors' code in 2D", "[cover][golden]") {
  check_golden("cover_2d_small", {1, 2}, {2, 1, 64, 48});
}

TEST_CASE("released COVER equals the authors' code in 3D", "[cover][golden]") {
  check_golden("cover_3d_small", {1, 3}, {1, 1, 32, 32, 32});
}

TEST_CASE("COVER has as many parameters as the authors'", "[cover][golden]") {
  const auto wanted = testing::golden("cover.json");
  for (const std::int64_t d : {2, 3}) {
    const InputSpec input{1, d};
    const Cover cover(Options{}, std::make_shared<unet::Unet>(unet::Options{}, input),
                      MethodInput{input});
    std::int64_t numbers = 0;
    for (const auto& parameter : cover.parameters()) numbers += parameter.numel();
    CHECK(numbers ==
          wanted.at("parameters_default_" + std::to_string(d) + "d").get<std::int64_t>());
  }
}

// ---- against plain loops ------------------------------------------------------------------------

slow::HeadWeights head_weights(const Cover& cover, std::size_t level) {
  const auto prefix = "proj." + std::to_string(level) + ".";
  const auto get = [&](const std::string& name) {
    return testing::values_of(cover.named_parameters()[prefix + name]);
  };
  return {get("proj.weight"), get("proj.bias"), get("norm.weight"), get("norm.bias")};
}

void scatter_norms(Cover& cover) {
  const torch::NoGradGuard no_grad;
  for (const auto& item : cover.named_parameters())
    if (item.key().find(".norm.") != std::string::npos) item.value().normal_(1.0, 0.5);
}

/// On a backbone with these channels and strides.
void check_against_loops(const InputSpec& input, std::vector<std::int64_t> shape,
                         std::vector<std::int64_t> channels = {6, 5, 4},
                         const std::vector<std::int64_t>& strides = {4, 2, 1},
                         std::vector<std::int64_t> groups = {2, 2, 1}) {
  auto options = small();
  options.crop.assign(shape.begin() + 2, shape.end());
  options.groups = std::move(groups);
  const auto levels = channels.size();
  torch::manual_seed(5);
  const auto cover = std::make_shared<Cover>(
      options, std::make_shared<SmallBackbone>(input, std::move(channels), strides),
      MethodInput{input});
  cover->to(torch::kFloat64);
  scatter_norms(*cover);
  auto flow_shape = shape;
  flow_shape[1] = input.dimensions;
  const auto target = 1.5 * torch::randn(flow_shape, torch::kFloat64);
  const auto outcome = cover->compare(torch::randn(shape, torch::kFloat64),
                                      torch::randn(shape, torch::kFloat64), target);
  std::vector<slow::HeadWeights> heads;
  for (std::size_t level = 0; level < levels; ++level) heads.push_back(head_weights(*cover, level));

  slow::Sums sums;
  for (std::int64_t n = 0; n < shape[0]; ++n) {
    std::vector<slow::Map> fixed;
    std::vector<slow::Map> moving;
    for (std::size_t level = 0; level < levels; ++level) {
      fixed.push_back(slow::map_of(outcome.fixed[level], n));
      moving.push_back(slow::map_of(outcome.moving[level], n));
    }
    const auto flows = slow::flows(fixed, moving, heads, strides, options.groups, options.radius);
    for (std::size_t level = 0; level < levels; ++level) {
      INFO("sample " << n << ", level " << level);
      const auto got = slow::field_of(outcome.flows.levels[level], n).values;
      REQUIRE(got.size() == flows[level].values.size());
      double gap = 0;
      for (std::size_t i = 0; i < got.size(); ++i)
        gap = std::max(gap, std::abs(got[i] - flows[level].values[i]));
      CHECK(gap < 1e-12);
    }
    const auto one =
        slow::sums(flows.back(), slow::field_of(target, n), fixed.back(), moving.back());
    sums.mask += one.mask;
    sums.vector += one.vector;
    sums.cosine += one.cosine;
  }
  REQUIRE(sums.mask > 0);
  REQUIRE(sums.mask < static_cast<double>(target.numel() / input.dimensions));
  CHECK(outcome.mask.sum().item<double>() == sums.mask);
  CHECK(outcome.vector_loss.item<double>() == Approx(sums.vector / sums.mask).epsilon(1e-12));
  CHECK(outcome.consistency_loss.item<double>() ==
        Approx(1 - sums.cosine / sums.mask).epsilon(1e-12));
}

TEST_CASE("paper COVER equals plain loops in 2D", "[cover]") {
  check_against_loops({1, 2}, {2, 1, 8, 12});
}

TEST_CASE("paper COVER equals plain loops in 3D", "[cover]") {
  check_against_loops({2, 3}, {1, 2, 8, 12, 8});
}

TEST_CASE("COVER takes pyramids of other ratios and depths than the U-Net's", "[cover]") {
  check_against_loops({1, 2}, {2, 1, 16, 24}, {6, 5, 4}, {8, 4, 1});
  check_against_loops({1, 2}, {1, 1, 64, 96}, {6, 5, 5, 4, 4, 3}, {32, 16, 8, 4, 2, 1},
                      {2, 2, 2, 2, 1, 1});
}

TEST_CASE("COVER's heads on other pyramids have the parameters of the rule", "[cover]") {
  // c 8 g + 3 * 8 g a level; groups 4 a level and 1 on the two finest. Those of SwinUNet's
  // channels: (768 + 384 + 192 + 96 + 4 * 3) * 32 + (96 + 96 + 2 * 3) * 8 = 48,048.
  const auto heads_of = [](std::vector<std::int64_t> channels, std::vector<std::int64_t> strides) {
    Options options;
    options.crop = {32};
    const auto backbone =
        std::make_shared<SmallBackbone>(InputSpec{}, std::move(channels), std::move(strides));
    std::int64_t numbers = 0;
    for (const auto& item : Cover(options, backbone, {}).named_parameters())
      if (item.key().rfind("proj.", 0) == 0) numbers += item.value().numel();
    return numbers;
  };
  CHECK(heads_of({768, 384, 192, 96, 96, 96}, {32, 16, 8, 4, 2, 1}) == 48'048);
  CHECK(heads_of({768, 384, 192, 96, 96}, {32, 16, 8, 4, 1}) == 44'880);
}

TEST_CASE("a single unit equals plain loops, and only its head exists", "[cover]") {
  auto options = small();
  options.vectors = "direct";
  options.groups = {2};
  options.radius = 5;
  const auto cover = double_cover(options);
  const auto outcome = cover->compare(torch::randn({1, 1, 8, 12}, torch::kFloat64),
                                      torch::randn({1, 1, 8, 12}, torch::kFloat64),
                                      torch::zeros({1, 2, 8, 12}, torch::kFloat64));
  REQUIRE(outcome.flows.levels.size() == 1);
  const auto heads = head_weights(*cover, 2);
  const auto wanted =
      slow::unit(slow::project(slow::map_of(outcome.fixed.back(), 0), heads),
                 slow::project(slow::map_of(outcome.moving.back(), 0), heads), 2, 5);
  const auto got = slow::field_of(outcome.flows.levels[0], 0).values;
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(std::abs(got[i] - wanted.values[i]) < 1e-12);

  std::set<std::string> heads_found;
  for (const auto& item : cover->named_parameters())
    if (item.key().rfind("proj.", 0) == 0) heads_found.insert(item.key().substr(0, 6));
  CHECK(heads_found == std::set<std::string>{"proj.2"});
}

// ---- gradients ----------------------------------------------------------------------------------

TEST_CASE("the whole loss has the gradient of its formula in every parameter",
          "[cover][gradient]") {
  for (const auto* form : {"paper", "released"}) {
    const auto cover = double_cover(small(form));
    const auto fixed = torch::randn({1, 1, 8, 12}, torch::kFloat64);
    const auto moving = torch::randn({1, 1, 8, 12}, torch::kFloat64);
    const auto target = 1.5 * torch::randn({1, 2, 8, 12}, torch::kFloat64);
    const auto loss = [&] { return total(cover->compare(fixed, moving, target)); };
    loss().backward();
    for (const auto& item : cover->named_parameters()) {
      auto parameter = item.value().detach();
      const auto gap = testing::max_gap(item.value().grad(), [&] {
        const torch::NoGradGuard no_grad;
        auto numeric = torch::zeros_like(parameter);
        for (std::int64_t i = 0; i < parameter.numel(); ++i) {
          auto entry = parameter.view({-1})[i];
          const auto kept = entry.item<double>();
          entry.fill_(kept + 1e-6);
          const auto above = loss().item<double>();
          entry.fill_(kept - 1e-6);
          const auto below = loss().item<double>();
          entry.fill_(kept);
          numeric.view({-1})[i] = (above - below) / 2e-6;
        }
        return numeric;
      }());
      INFO(form << ": " << item.key());
      CHECK(gap < 1e-7);
      CHECK(item.value().grad().abs().max().item<double>() > 1e-5);
    }
  }
}

// ---- views and target ---------------------------------------------------------------------------

// A source whose value is linear in the position, which linear interpolation reproduces exactly.
at::Tensor ramp(std::int64_t batch, const std::vector<std::int64_t>& size) {
  auto shape = size;
  shape.insert(shape.begin(), {batch, 1});
  const auto grid = voxel_grid(size, torch::kFloat64);
  auto values = torch::full({1}, 3.0, torch::kFloat64);
  for (std::int64_t axis = 0; axis < grid.size(1); ++axis)
    values = values + (axis + 1) * grid.select(1, axis).unsqueeze(1);
  return values.expand(shape).contiguous();
}

TEST_CASE("the target leads from each voxel of the fixed view to its content in the moving one",
          "[cover]") {
  for (const std::int64_t d : {2, 3}) {
    std::vector<std::int64_t> side{20, 16, 24};
    std::vector<std::int64_t> crop{8, 4, 12};
    side.resize(d);
    crop.resize(d);
    const Batch batch{ramp(2, side), {}, {"a", "b"}};
    // Two mild affine maps about the middle, and one window.
    torch::manual_seed(6);
    auto matrix = torch::eye(d, d + 1, torch::kFloat64).repeat({2, 1, 1});
    matrix += 0.05 * torch::randn({2, d, d + 1}, torch::kFloat64);
    const auto window = SpatialMap::translation(torch::full({2, d}, 6.0, torch::kFloat64), crop);
    View fixed(batch);
    fixed.resample(SpatialMap(matrix, side));
    fixed.resample(window);
    View moving(batch);
    moving.resample(window);
    Views views;
    views.emplace("fixed", fixed);
    views.emplace("moving", moving);

    const auto u = Cover::target_of(views);
    REQUIRE(u.abs().max().item<double>() > 0.2);
    const auto moved = warp(views.at("moving").image(), u);
    const auto seen = inside(u);
    REQUIRE(seen.to(torch::kFloat64).mean().item<double>() > 0.3);
    CHECK(testing::max_gap(views.at("fixed").image().masked_select(seen),
                           moved.masked_select(seen)) < 1e-12);
  }
}

std::vector<std::string> types(const Parts& chain) {
  std::vector<std::string> out;
  for (const auto& link : chain) out.push_back(*link.find("type")->as_string());
  return out;
}

TEST_CASE("the views are those of the paper, or of the released code", "[cover]") {
  const std::vector<std::string> changes = {"crop",     "noise",      "blur",
                                            "contrast", "brightness", "inpaint"};
  for (const auto* form : {"paper", "released"}) {
    const bool paper = std::string(form) == "paper";
    const auto views = double_cover(small(form))->views();
    REQUIRE(views.size() == 2);
    CHECK(views[0].name == "fixed");
    CHECK(types(views[0].chain) == std::vector<std::string>{"affine", "crop"});
    CHECK(*views[0].chain[0].find("convention")->as_string() == form);
    CHECK(std::get<double>(views[0].chain[0].find("degree")->data) == 1.5);
    CHECK(views[1].name == "moving");
    CHECK(types(views[1].chain) == changes);
    for (const auto& view : views)
      for (const auto& link : view.chain)
        if (*link.find("type")->as_string() == "crop")
          CHECK(to_toml(link) ==
                R"({ type = "crop", size = [8, 12], draw = "batch", shared = true })");
    CHECK(*views[1].chain[3].find("mean")->as_string() == (paper ? "sample" : "batch"));
    for (std::size_t i = 1; i < changes.size(); ++i) {
      const auto& link = views[1].chain[i];
      CHECK(std::get<double>(link.find("probability")->data) == (paper ? 0.9 : 1.0));
      CHECK(*link.find("draw")->as_string() == (paper ? "sample" : "batch"));
      CHECK((link.find("mean") != nullptr) == (changes[i] == "contrast"));
    }
  }
}

TEST_CASE("source_size resizes before both views", "[cover]") {
  auto options = small();
  options.source_size = 16;
  for (const auto& view : double_cover(options)->views())
    CHECK(to_toml(view.chain.front()) == R"({ type = "resize", size = [16, 16] })");
}

// ---- a step -------------------------------------------------------------------------------------

Views shifted_views(std::int64_t shift, bool labelled, at::ScalarType dtype = torch::kFloat64) {
  torch::manual_seed(8);
  Batch batch{torch::randn({2, 1, 16, 20}).to(dtype), {}, {"a", "b"}};
  if (labelled) batch.label = (batch.image > 0).to(torch::kInt64);
  Views views;
  for (const auto& [name, offset] :
       {std::pair("fixed", shift), std::pair("moving", std::int64_t{0})}) {
    View view(batch);
    view.resample(SpatialMap::translation(
        torch::full({2, 2}, static_cast<double>(offset), torch::kFloat64), {8, 12}));
    views.emplace(name, std::move(view));
  }
  return views;
}

TEST_CASE("a step gives the weighted loss and logs what it consists of", "[cover]") {
  auto options = small();
  options.vector_weight = 0.25;
  options.consistency_weight = 3;
  const auto cover = double_cover(options);
  auto views = shifted_views(1, true);
  const auto result = cover->step(views, {"train"});
  const auto log = [&](const std::string& name) {
    INFO(name);
    const auto& value = result.logs.at("cover/" + name);
    CHECK_FALSE(value.requires_grad());
    return value.item<double>();
  };
  CHECK(result.loss.item<double>() ==
        Approx(0.25 * log("vector_loss") + 3 * log("consistency_loss")).epsilon(1e-14));
  // A shift by one voxel: u = (1, 1) everywhere, inside for 7 of 8 rows and 11 of 12 columns.
  CHECK(log("mask_mean") == Approx(77.0 / 96).epsilon(1e-6));
  CHECK(log("empty_masks") == 0);
  const auto outcome = cover->compare(views.at("fixed").image(), views.at("moving").image(),
                                      torch::ones({2, 2, 8, 12}, torch::kFloat64));
  const auto gap = (outcome.flows.levels.back() - 1).slice(2, 0, 7).slice(3, 0, 11);
  CHECK(log("end_point_error_voxels") ==
        Approx(gap.square().sum(1).sqrt().mean().item<double>()).epsilon(1e-6));
  CHECK(log("largest_vector_weight") > 1.0 / 9);
  CHECK(log("largest_vector_weight") <= 1);
  CHECK(log("effective_rank") >= 1);
  CHECK(log("effective_rank") <= 4);
  CHECK(log("neighbour_distance_p99") > log("neighbour_distance_mean"));
  CHECK(log("neighbour_distance_across_mean") > 0);
  CHECK(log("neighbour_distance_within_mean") > 0);

  auto unlabelled = shifted_views(1, false);
  CHECK(cover->step(unlabelled, {"train"}).logs.count("cover/neighbour_distance_across_mean") == 0);
}

TEST_CASE("without vectors the consistency loss is left and no head exists", "[cover]") {
  auto options = small();
  options.vectors = "none";
  const auto cover = double_cover(options);
  for (const auto& item : cover->named_parameters()) CHECK(item.key().rfind("backbone.", 0) == 0);
  auto views = shifted_views(1, false);
  const auto result = cover->step(views, {"train"});
  CHECK(result.loss.item<double>() == result.logs.at("cover/consistency_loss").item<double>());
  CHECK(result.logs.count("cover/vector_loss") == 0);
}

TEST_CASE("an empty mask gives no loss in the paper's form and NaN in the released one",
          "[cover]") {
  const auto paper = double_cover(small("paper"));
  auto views = shifted_views(-12, false);  // u = (-12, -12): outside everywhere
  const auto result = paper->step(views, {"train"});
  CHECK(result.loss.item<double>() == 0);
  CHECK(result.logs.at("cover/empty_masks").item<std::int64_t>() == 2);
  result.loss.backward();
  for (const auto& parameter : paper->parameters())
    if (parameter.grad().defined()) CHECK(parameter.grad().abs().max().item<double>() == 0);

  auto again = shifted_views(-12, false);
  CHECK(std::isnan(double_cover(small("released"))->step(again, {"train"}).loss.item<double>()));
}

TEST_CASE("under bfloat16 autocast displacements and losses stay float32", "[cover]") {
  torch::manual_seed(5);
  Cover cover(small(), std::make_shared<SmallBackbone>(InputSpec{}), {});
  cover.to(torch::kFloat32);
  auto views = shifted_views(1, false, torch::kFloat32);
  const auto full = cover.step(views, {"train"}).loss;
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const auto half = cover.step(views, {"train"}).loss;
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  CHECK(half.scalar_type() == torch::kFloat32);
  CHECK(half.item<double>() != full.item<double>());  // autocast was on
  CHECK(half.item<double>() == Approx(full.item<double>()).epsilon(0.02));
}

TEST_CASE("draw writes the pictures of each sample and their table", "[cover]") {
  const auto folder = std::filesystem::temp_directory_path() / "covector-cover-draw-test";
  std::filesystem::remove_all(folder);
  for (const std::int64_t d : {2, 3}) {
    const InputSpec input{1, d};
    auto options = small();
    options.crop = {8};
    const auto cover = double_cover(options, input);
    torch::manual_seed(9);
    std::vector<std::int64_t> shape(d + 2, 8);
    shape[0] = 2;
    shape[1] = 1;
    const Batch batch{torch::randn(shape, torch::kFloat64), {}, {"a", "b"}};
    Views views;
    views.emplace("fixed", View(batch));
    views.emplace("moving", View(batch));
    cover->draw(views, folder / std::to_string(d));
    std::ifstream file(folder / std::to_string(d) / "pictures.json");
    const auto table = nlohmann::json::parse(file);
    REQUIRE(table.size() == 16);
    std::vector<std::string> names;
    for (const auto& entry : table) {
      names.push_back(entry.at("file"));
      CHECK_FALSE(entry.at("title").get<std::string>().empty());
      CHECK(std::filesystem::file_size(folder / std::to_string(d) / names.back()) > 0);
    }
    names.resize(8);
    CHECK(names == std::vector<std::string>{"0-fixed.png", "0-moving.png", "0-dvf-true.png",
                                            "0-dvf-predicted.png", "0-warped-level0.png",
                                            "0-warped-level1.png", "0-warped-level2.png",
                                            "0-error.png"});
  }
  std::filesystem::remove_all(folder);
}

// ---- errors -------------------------------------------------------------------------------------

std::string complaint(std::initializer_list<std::pair<std::string, OptionValue>> options) {
  OptionTable table(options);
  table.where = {"r.toml", 3, 1};
  try {
    schema_of<Options>().parse(table, "method");
  } catch (const RecipeError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("options that leave nothing sensible are refused", "[cover][errors]") {
  using Catch::Matchers::Contains;
  CHECK(complaint({{"radius", 4}}).empty());
  CHECK(complaint({{"vectors", "direct"}, {"radius", 62}}).empty());
  CHECK_THAT(complaint({{"radius", 5}}),
             Contains("r.toml:3:1: 'radius' must be at most 4 with vectors = \"pyramid\""));
  CHECK_THAT(complaint({{"vectors", "none"}, {"consistency_weight", 0.0}}),
             Contains("nothing is left to train: both losses are off or have weight 0"));
  CHECK_THAT(complaint({{"vectors", "direct"}, {"groups", OptionArray{4, 1}}}),
             Contains("'groups' must have one number with vectors = \"direct\""));
  CHECK_THAT(complaint({{"form", "official"}}),
             Contains("'form' must be one of \"paper\", \"released\""));
  CHECK_THAT(complaint({{"crop", OptionArray{}}}), Contains("'crop' must be one number"));
  CHECK_THAT(complaint({{"vectors", "vpa"}}),
             Contains("'vectors' must be one of \"pyramid\", \"direct\", \"none\""));
}

TEST_CASE("options that do not fit the backbone or the images are refused", "[cover][errors]") {
  auto three = small();
  three.crop = {8, 8, 8};
  CHECK_THROWS_WITH(double_cover(three), "[method] 'crop' has 3 numbers, the images have 2 axes");
  auto odd = small();
  odd.crop = {8, 10};
  CHECK_THROWS_WITH(double_cover(odd),
                    "[method] 'crop' must be a multiple of 4 along every axis, which the backbone "
                    "asks for; got [8, 10]");
  auto five = small();
  five.groups = {4, 4, 4, 1, 1};
  CHECK_THROWS_WITH(double_cover(five),
                    "[method] 'groups' has 5 numbers, the backbone has 3 levels; the paper's rule "
                    "gives [4, 1, 1]");
  const auto coarse = std::make_shared<SmallBackbone>(InputSpec{}, std::vector<std::int64_t>{6, 5},
                                                      std::vector<std::int64_t>{4, 2});
  CHECK_THROWS_WITH(Cover(small(), coarse, {}),
                    "[backbone] the finest level has stride 2; method 'cover' compares voxels and "
                    "needs stride 1");
  const auto uneven = std::make_shared<SmallBackbone>(
      InputSpec{}, std::vector<std::int64_t>{6, 5, 4}, std::vector<std::int64_t>{6, 4, 1});
  auto twelve = small();
  twelve.crop = {12, 12};
  CHECK_THROWS_WITH(Cover(twelve, uneven, {}),
                    "[backbone] has levels of stride [6, 4, 1]; method 'cover' goes from each to "
                    "the next in whole steps. Take another backbone, or 'vectors' = \"direct\"");
  twelve.vectors = "direct";
  twelve.groups = {2};
  CHECK_NOTHROW(Cover(twelve, uneven, {}));
}

TEST_CASE("views of different size are refused", "[cover][errors]") {
  const auto cover = double_cover(small());
  const Batch batch{torch::zeros({1, 1, 16, 16}), {}, {"a"}};
  Views views;
  views.emplace("fixed", View(batch));
  views.emplace("moving", View(batch));
  views.at("moving").resample(SpatialMap::identity(1, {8, 8}));
  CHECK_THROWS_WITH(cover->step(views, {"train"}),
                    "[views] 'fixed' ends with size [16, 16], 'moving' with [8, 8]; method 'cover' "
                    "needs one size");
}

}  // namespace
}  // namespace covector::cover
