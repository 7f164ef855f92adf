#include "gvsl.h"

#include "support/catch.h"
#include "support/numeric.h"
#include "support/scratch_folder.h"

#include "covector/transforms/intensity/intensity_map.h"
#include "plugins/image_pairs.h"
#include "unet.h"

#include <ATen/autocast_mode.h>
#include <torch/optim/adam.h>
#include <torch/types.h>

#include <vector>

namespace covector::gvsl {
namespace {

using testing::make_pair_method;
using testing::max_gap;
using testing::random_pair;
using testing::reached;

std::int64_t size_of(const Gvsl& method, const std::string& child) {
  return testing::count_of(*method.named_children()[child]);
}

TEST_CASE("GVSL has as many parameters as the authors'", "[gvsl]") {
  // backbone, affine: f_conv and fully connected layers, sp_conv, out_flow, res_conv
  const auto check = [](std::int64_t d, std::vector<std::int64_t> wanted, std::int64_t total) {
    const InputSpec input{1, d};
    const Gvsl method(Options{}, std::make_shared<unet::Unet>(unet::Options{}, input), {input, 2});
    CHECK(size_of(method, "backbone") == wanted[0]);
    CHECK(size_of(method, "affine") == wanted[1]);
    CHECK(size_of(method, "sp_conv") == wanted[2]);
    CHECK(size_of(method, "out_flow") == wanted[3]);
    CHECK(size_of(method, "res_conv") == wanted[4]);
    CHECK(testing::count_of(method) == total);
  };
  const std::int64_t affine_2d = 2'950'656 + 257 + 3 * 514;
  check(2, {7'851'936, affine_2d, 11'616, 290, 4'673},
        7'851'936 + affine_2d + 11'616 + 290 + 4'673);
  check(3, {23'538'144, 8'848'896 + 3 * 771 + 1542, 34'656, 1'299, 13'889}, 32'440'739);
}

TEST_CASE("the loss of GVSL at printed values", "[gvsl]") {
  const auto method = make_pair_method<Gvsl>(Options{}, 3);
  const auto a = torch::arange(8, torch::kFloat64).div(7).view({1, 1, 2, 2, 2});
  auto flow = torch::zeros({1, 3, 2, 2, 2}, torch::kFloat64);
  flow[0][0] = torch::tensor({0, 1, 2, 3, 1, 1, 0, 2}, torch::kFloat64).view({2, 2, 2});
  flow[0][1] = 0.5;
  flow[0][2][1][1][1] = 1;
  const auto parts = method->losses_of({{}, flow, 1 - a.square(), a + 0.1}, a);
  CHECK(parts.similarity.item<double>() == Approx(0.761091).margin(6e-7));
  CHECK(parts.restoration.item<double>() == Approx(0.01).epsilon(1e-12));
  CHECK(parts.smoothness.item<double>() == Approx(25.0 / 36).epsilon(1e-12));
  CHECK(method->total(parts).item<double>() == Approx(1.465536).margin(6e-7));
}

TEST_CASE("the weights of GVSL's loss are factors on its parts", "[gvsl]") {
  Options options;
  options.similarity_weight = 2;
  options.restoration_weight = 30;
  options.smoothness_weight = 400;
  const auto scalar = [](double value) { return torch::tensor(value, torch::kFloat64); };
  CHECK(make_pair_method<Gvsl>(options)
            ->total({scalar(1), scalar(0.1), scalar(0.01)})
            .item<double>() == Approx(2.0 + 3.0 + 4.0));
}

TEST_CASE("GVSL starts with B where it is", "[gvsl]") {
  for (const std::int64_t d : {2, 3}) {
    const auto method = make_pair_method<Gvsl>(Options{}, d);
    auto views = random_pair(2, d);
    const auto& b = views.at("b").image();
    const auto start = method->register_pair(views.at("damaged").image(), b);
    CHECK(torch::equal(start.matrix, torch::eye(d, d + 1, torch::kFloat64).expand({2, d, d + 1})));
    CHECK(start.flow.abs().max().item<double>() < 1e-3);
    CHECK(max_gap(start.warped, b) < 1e-2);
    CHECK(start.restored.sizes() == b.sizes());
    CHECK(start.flow.size(1) == d);
  }
}

TEST_CASE("B is read at the flow, then at the affine matrix", "[gvsl]") {
  Options options;
  options.start = "released";
  const auto method = make_pair_method<Gvsl>(options);
  auto views = random_pair(2, 2);
  const auto& b = views.at("b").image();
  const auto out = method->register_pair(views.at("damaged").image(), b);
  REQUIRE(out.flow.abs().max().item<double>() > 0.01);
  CHECK(max_gap(out.warped, warp(affine_warp(b, out.matrix), out.flow)) < 1e-14);
  options.convention = "released";
  const auto released =
      make_pair_method<Gvsl>(options)->register_pair(views.at("damaged").image(), b);
  CHECK(max_gap(released.warped, warp(affine_warp(b, released.matrix), released.flow,
                                      GridConvention::released)) < 1e-14);
  CHECK(max_gap(released.warped, out.warped) > 1e-3);
}

TEST_CASE("a step of GVSL reaches every parameter", "[gvsl]") {
  for (const std::int64_t d : {2, 3})
    for (const std::int64_t channels : {1, 3}) {
      Options options;
      options.start = "released";
      const auto method = make_pair_method<Gvsl>(options, d, channels);
      auto views = random_pair(channels == 1 ? 2 : 1, d, channels);
      const auto result = method->step(views, {"train", 0, 10, true});
      REQUIRE(result.loss.dim() == 0);
      REQUIRE(result.loss.isfinite().item<bool>());
      for (const auto& [name, value] : result.logs) {
        INFO(name);
        CHECK(value.isfinite().item<bool>());
        CHECK_FALSE(value.requires_grad());
      }
      CHECK(result.logs.size() == 7);
      CHECK(method->step(views, {"train", 0, 10, false}).logs.empty());
      result.loss.backward();
      for (const auto& item : method->named_parameters()) {
        INFO(item.key());
        // Level 1 of the pyramid is looked at by nobody.
        const bool unused = item.key() == "backbone.weight1" || item.key() == "backbone.bias1";
        CHECK((item.value().grad().defined() &&
               item.value().grad().abs().max().item<double>() > 0) != unused);
      }
    }
}

TEST_CASE("with detach_affine the affine head learns nothing, as in the released code", "[gvsl]") {
  for (const bool detach : {false, true}) {
    Options options;
    options.start = "released";
    options.detach_affine = detach;
    const auto method = make_pair_method<Gvsl>(options);
    auto views = random_pair(2, 2);
    method->step(views, {"train"}).loss.backward();
    CHECK(reached(*method->named_children()["affine"]) == !detach);
    for (const auto& parameter : method->named_children()["affine"]->parameters())
      CHECK(parameter.grad().defined() == !detach);
    CHECK(reached(*method->named_children()["out_flow"]));
  }
}

TEST_CASE("at rest, the affine head's last layers learn from the first step on", "[gvsl]") {
  const auto method = make_pair_method<Gvsl>(Options{}, 3);
  auto views = random_pair(2, 3);
  method->step(views, {"train"}).loss.backward();
  for (const auto* layer : {"fc_rot", "fc_scl", "fc_trans", "fc_shear"}) {
    INFO(layer);
    CHECK(reached(*method->named_children()["affine"]->named_children()[layer]));
  }
}

TEST_CASE("the loss of GVSL has the gradient of its formula", "[gvsl][gradient]") {
  for (const std::int64_t d : {2, 3}) {
    Options options;
    options.start = "released";
    options.window = 3;
    const auto method = make_pair_method<Gvsl>(options, d);
    auto views = random_pair(2, d);
    const auto loss = [&] { return method->step(views, {"train", 0, 1, false}).loss; };
    loss().backward();
    torch::manual_seed(6);
    for (auto& item : method->named_parameters()) {
      const auto grad = item.value().grad();
      if (!grad.defined()) continue;
      INFO(item.key());
      // Along one random direction of each parameter, of length 1 so that no kink is crossed.
      const torch::NoGradGuard no_grad;
      auto direction = torch::randn_like(item.value());
      direction /= direction.norm();
      constexpr double kStep = 1e-6;
      item.value().add_(direction, kStep);
      const auto up = loss().item<double>();
      item.value().sub_(direction, 2 * kStep);
      const auto down = loss().item<double>();
      item.value().add_(direction, kStep);
      const auto wanted = (grad * direction).sum().item<double>();
      // The loss is of order 1, so that 1e-15 / kStep is lost to rounding.
      CHECK((up - down) / (2 * kStep) == Approx(wanted).epsilon(1e-5).margin(2e-9));
    }
  }
}

TEST_CASE("the memory of a step of GVSL grows with the number of pixels", "[gvsl]") {
  testing::check_memory<Gvsl>(Options{}, "train");
}

TEST_CASE("the intensity map of GVSL's damage at printed values", "[gvsl]") {
  const auto image = torch::tensor({0.1, 0.25, 0.5, 0.75}, torch::kFloat64).view({1, 1, 2, 2});
  const auto controls = torch::tensor({{0.2, 0.8, 0.6, 0.3}}, torch::kFloat64);
  const auto mapped =
      transforms::intensity_map(image, controls, torch::zeros({1}, torch::kFloat64)).flatten();
  const auto wanted = torch::tensor({0.275482, 0.452808, 0.563908, 0.694723}, torch::kFloat64);
  CHECK(max_gap(mapped, wanted) < 6e-7);
}

TEST_CASE("GVSL's views move A, its damaged copy and B alike", "[gvsl][views]") {
  for (const std::int64_t d : {2, 3}) {
    Options options;
    options.crop = {16};
    const InputSpec input{1, d};
    const Gvsl method(options, std::make_shared<testing::SmallBackbone>(input), {input, 2});
    testing::check_pair_views(method, d);
  }
}

void check_learns(std::int64_t d) {
  torch::manual_seed(4);
  Options options;
  options.crop = {16};
  const InputSpec input{1, d};
  Gvsl method(options, std::make_shared<testing::SmallBackbone>(input), {input, 2});
  method.to(torch::kFloat32);
  const testing::DefaultViews views(method.views());
  const auto images = testing::shifted_pairs(6, d);
  torch::optim::Adam adam(method.parameters(), torch::optim::AdamOptions(1e-3));
  constexpr std::int64_t kSteps = 100;
  double first = 0;
  double last = 0;
  for (std::int64_t step = 0; step < kSteps; ++step) {
    const auto n = 2 * (step % 3);
    auto seen = views.of({images[0].slice(0, n, n + 2), images[1].slice(0, n, n + 2)}, step);
    adam.zero_grad();
    const auto loss = method.step(seen, {"train", step, kSteps, false}).loss;
    loss.backward();
    adam.step();
    REQUIRE(loss.isfinite().item<bool>());
    if (step < 20) first += loss.item<double>() / 20;
    if (step >= kSteps - 20) last += loss.item<double>() / 20;
  }
  CHECK(last < first - 0.05);
}

TEST_CASE("GVSL learns on its default views", "[gvsl][views]") {
  check_learns(2);
}

TEST_CASE("GVSL learns on its default views in 3D", "[gvsl][views][slow]") {
  check_learns(3);
}

TEST_CASE("under bfloat16 autocast the displacement and the loss stay float32", "[gvsl]") {
  Options options;
  options.start = "released";
  const auto method = make_pair_method<Gvsl>(options);
  method->to(torch::kFloat32);
  auto views = random_pair(2, 2, 1, torch::kFloat32);
  const auto full = method->step(views, {"train"}).loss;
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const auto pair = method->register_pair(views.at("damaged").image(), views.at("b").image());
  const auto half = method->step(views, {"train"}).loss;
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  CHECK(pair.flow.scalar_type() == torch::kFloat32);
  CHECK(pair.matrix.scalar_type() == torch::kFloat32);
  CHECK(half.scalar_type() == torch::kFloat32);
  CHECK(half.item<double>() != full.item<double>());  // autocast was on
  CHECK(half.item<double>() == Approx(full.item<double>()).margin(0.05));
}

TEST_CASE("what GVSL shows of itself", "[gvsl]") {
  for (const std::int64_t d : {2, 3}) {
    const auto method = make_pair_method<Gvsl>(Options{}, d);
    CHECK(method->transfers() == Transfer::network);
    CHECK(method->phases(0, 1).size() == 1);
    auto views = random_pair(2, d);
    CHECK(method->embed(views).at("h").first.sizes() == at::IntArrayRef({2, 6}));
    const testing::ScratchFolder folder;
    method->draw(views, folder.path());
    for (const auto* name : {"0-a.png", "0-b.png", "0-b-moved.png", "0-b-on-a.png",
                             "0-dvf-b-on-a.png", "0-damaged.png", "1-restored.png"})
      CHECK(std::filesystem::exists(folder / name));
  }
}

TEST_CASE("GVSL says what does not fit", "[gvsl][errors]") {
  const InputSpec input{1, 2};
  const auto make = [&](std::vector<std::int64_t> crop, std::vector<std::int64_t> strides) {
    Options options;
    options.crop = std::move(crop);
    return Gvsl(options,
                std::make_shared<testing::SmallBackbone>(input, std::vector<std::int64_t>{6, 5, 4},
                                                         std::move(strides)),
                {input, 2});
  };
  CHECK_THROWS_WITH(make({8, 8, 8}, {4, 2, 1}),
                    "[method] 'crop' has 3 numbers, the images have 2 axes");
  CHECK_THROWS_WITH(make({10}, {4, 2, 1}),
                    "[method] 'crop' must be a multiple of 4 along every axis, which the backbone "
                    "asks for; got [10, 10]");
  CHECK_THROWS_WITH(make({8}, {4, 2, 2}),
                    "[backbone] the finest level has stride 2; method 'gvsl' compares voxels and "
                    "needs stride 1");
  const auto method = make_pair_method<Gvsl>(Options{});
  auto views = random_pair(2, 2);
  views.erase("b");
  views.emplace("b", View(Batch{torch::rand({2, 1, 8, 8}, torch::kFloat64), {}, {"x", "x"}, {}}));
  CHECK_THROWS_WITH(method->step(views, {"train"}),
                    "[views] 'a' ends with size [8, 12], 'b' with [8, 8]; method 'gvsl' needs one "
                    "size");
  CHECK_THROWS_WITH(schema_of<Options>().parse({{"window", 4}}, "method"),
                    Catch::Contains("'window' must be odd"));
}

}  // namespace
}  // namespace covector::gvsl
