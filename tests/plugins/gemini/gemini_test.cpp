#include "gemini.h"

#include "support/catch.h"
#include "support/numeric.h"
#include "support/scratch_folder.h"

#include "covector/losses/consistency_loss.h"
#include "covector/losses/registration.h"
#include "plugins/image_pairs.h"
#include "unet.h"

#include <ATen/autocast_mode.h>
#include <torch/optim/adam.h>
#include <torch/types.h>

#include <vector>

namespace covector::gemini {
namespace {

using testing::gradient_gap;
using testing::make_pair_method;
using testing::max_gap;
using testing::random_pair;
using testing::reached;

at::Tensor map(const std::vector<double>& values, at::IntArrayRef shape) {
  return torch::tensor(values, torch::kFloat64).view(shape);
}

at::Tensor scalar(double value) {
  return torch::tensor(value, torch::kFloat64);
}

TEST_CASE("GEMINI has as many parameters as the authors'", "[gemini]") {
  const auto count = [](std::int64_t d) {
    const InputSpec input{1, d};
    return testing::count_of(
        Gemini(Options{}, std::make_shared<unet::Unet>(unet::Options{}, input), {input, 2}));
  };
  CHECK(count(2) == 8'033'059);
  CHECK(count(3) == 24'080'708);
}

TEST_CASE("the smoothness of GEMINI's two displacements at printed values", "[gemini]") {
  const auto flow = map({0, 1, 2, 4, 1, 1, 0, -1}, {1, 2, 2, 2});
  CHECK((losses::roughness(flow) + losses::roughness(-0.5 * flow)).item<double>() == 3.75);
}

TEST_CASE("masked similarity at printed values", "[gemini]") {
  const auto image = torch::arange(16, torch::kFloat64).div(15).view({1, 1, 4, 4});
  auto mask = torch::ones_like(image);
  mask.select(3, 3).zero_();
  const auto loss = [&](std::int64_t window) {
    return masked_similarity_loss(image, image.square(), mask, window).item<double>();
  };
  CHECK(loss(9) == Approx(0.067449).margin(6e-7));
  CHECK(loss(3) == Approx(0.053757).margin(6e-7));
  const auto cube = torch::arange(8, torch::kFloat64).div(7).view({1, 1, 2, 2, 2});
  CHECK(masked_similarity_loss(cube, 1 - cube.square(), torch::ones_like(cube), 9).item<double>() ==
        Approx(0.761091).margin(6e-7));
}

TEST_CASE("an empty mask and constant images have finite losses", "[gemini]") {
  for (const std::int64_t d : {2, 3}) {
    auto image = torch::rand(testing::pair_shape(2, d), torch::kFloat64).requires_grad_();
    const auto nothing = torch::zeros(testing::pair_shape(2, d), torch::kFloat64);
    const auto loss = masked_similarity_loss(image, image.detach(), nothing, 3);
    CHECK(loss.item<double>() == 1.0);
    const Warp away{torch::zeros(testing::pair_shape(2, d, d), torch::kFloat64), nothing, {}};
    const auto semantic = semantic_loss(image, image, away, GridConvention::paper);
    (loss + semantic.features + semantic.flow).backward();
    CHECK(image.grad().isfinite().all().item<bool>());
    CHECK(masked_similarity_loss(nothing, nothing, nothing + 1, 3).item<double>() == Approx(1.0));
  }
}

TEST_CASE("masked cosine at printed values", "[gemini]") {
  const auto f = map({1, 0, 1, 3, 0, 2, 1, 4}, {1, 2, 2, 2});
  const auto g = map({1, 1, 0, 4, 0, 1, 1, -3}, {1, 2, 2, 2});
  const auto loss = [&](const std::vector<double>& mask) {
    const Warp rest{torch::zeros({1, 2, 2, 2}, torch::kFloat64), map(mask, {1, 1, 2, 2}), {}};
    const auto semantic = semantic_loss(f, g, rest, GridConvention::paper);
    CHECK(semantic.features.item<double>() == Approx(semantic.flow.item<double>()).epsilon(1e-12));
    return semantic.features.item<double>();
  };
  CHECK(loss({1, 1, 1, 1}) == Approx(0.396447).margin(6e-7));
  CHECK(loss({1, 1, 1, 0}) == Approx(0.195262).margin(6e-7));
}

TEST_CASE("the loss of GEMINI at printed values", "[gemini]") {
  const auto method = make_pair_method<Gemini>(Options{});
  const auto semantic = scalar(2 * 0.195262);
  CHECK(method->total({scalar(3.75), scalar(2 * 0.067449), semantic, semantic}).item<double>() ==
        Approx(1.978560).margin(2e-6));
}

TEST_CASE("the restoration step at printed values", "[gemini]") {
  const auto method = make_pair_method<Gemini>(Options{});
  auto views = random_pair(2, 2);
  {
    // A head that answers its bias, 0.25, whatever it sees.
    const torch::NoGradGuard no_grad;
    method->named_parameters()["res_conv.out.weight"].zero_();
    method->named_parameters()["res_conv.out.bias"].fill_(0.25);
  }
  const auto& a = views.at("a").image();
  const auto result = method->step(views, {"restore"});
  CHECK(result.loss.item<double>() ==
        Approx(100 * (0.25 - a).square().mean().item<double>()).epsilon(1e-12));
  // (0.1, 0.4, 0.8) against (0, 0.5, 1): squares 0.01, 0.01, 0.04.
  const auto error = map({0.1, 0.4, 0.8}, {3}) - map({0, 0.5, 1}, {3});
  CHECK(Options{}.restoration_weight * error.square().mean().item<double>() ==
        Approx(2.0).epsilon(1e-12));
}

TEST_CASE("masks are where the displacement reads the image, to the nearest voxel", "[gemini]") {
  const auto mask_of = [](const std::string& convention, std::int64_t side) {
    Options options;
    options.convention = convention;
    const auto method = make_pair_method<Gemini>(options);
    {
      const torch::NoGradGuard no_grad;
      for (auto& parameter :
           method->named_children()["deformer"]->named_children()["flow"]->parameters())
        parameter.zero_();
    }
    const auto image = torch::rand({1, 1, side, side}, torch::kFloat64);
    return method->register_pair(image, image).ab.mask;
  };
  CHECK(torch::equal(mask_of("paper", 8), torch::ones({1, 1, 8, 8}, torch::kFloat64)));
  CHECK(torch::equal(mask_of("paper", 12), torch::ones({1, 1, 12, 12}, torch::kFloat64)));
  // The released positions of an even side leave out its last row and column.
  const auto released = mask_of("released", 8);
  CHECK(released.sum().item<double>() == 49.0);
  CHECK(released.slice(2, 0, 7).slice(3, 0, 7).sum().item<double>() == 49.0);
  // An odd side, which the network does not take but the function does.
  const auto odd = sample_at(torch::ones({1, 1, 9, 9}), voxel_grid({9, 9}, torch::kFloat32),
                             Interpolation::nearest, GridConvention::released);
  CHECK(odd.sum().item<double>() == 81.0);
}

TEST_CASE("both directions are the same deformer with its inputs swapped", "[gemini]") {
  Options options;
  options.start = "released";
  for (const std::int64_t d : {2, 3}) {
    const auto method = make_pair_method<Gemini>(options, d);
    auto views = random_pair(2, d);
    const auto& a = views.at("a").image();
    const auto& b = views.at("b").image();
    const auto one = method->register_pair(a, b);
    const auto other = method->register_pair(b, a);
    CHECK(torch::equal(one.ab.flow, other.ba.flow));
    CHECK(torch::equal(one.ba.flow, other.ab.flow));
    CHECK_FALSE(torch::equal(one.ab.flow, one.ba.flow));
    CHECK(torch::equal(one.ab.image, warp(a, one.ab.flow)));
    CHECK(torch::equal(one.ba.image, warp(b, one.ba.flow)));
    CHECK_FALSE(one.ab.mask.requires_grad());
    // The loss knows no first and second.
    CHECK(method->total(method->losses_of(one, a, b)).item<double>() ==
          Approx(method->total(method->losses_of(other, b, a)).item<double>()).epsilon(1e-12));
  }
}

TEST_CASE("one semantic term moves features alone, the other the displacement alone",
          "[gemini][gradient]") {
  torch::manual_seed(2);
  const auto leaf = [](at::IntArrayRef shape) {
    return torch::randn(shape, torch::kFloat64).requires_grad_();
  };
  const auto moving = leaf({1, 3, 4, 4});
  const auto fixed = leaf({1, 3, 4, 4});
  const auto flow = leaf({1, 2, 4, 4});
  const Warp warp{flow, torch::ones({1, 1, 4, 4}, torch::kFloat64), {}};
  const auto semantic = semantic_loss(moving, fixed, warp, GridConvention::paper);
  semantic.features.backward();
  CHECK(moving.grad().abs().max().item<double>() > 0);
  CHECK(fixed.grad().abs().max().item<double>() > 0);
  CHECK_FALSE(flow.grad().defined());
  const auto before = moving.grad().clone();
  semantic.flow.backward();
  CHECK(flow.grad().abs().max().item<double>() > 0);
  CHECK(torch::equal(moving.grad(), before));
}

TEST_CASE("in the network, the term for features leaves the deformer untouched", "[gemini]") {
  Options options;
  options.start = "released";
  for (const std::int64_t d : {2, 3})
    for (const bool features : {true, false}) {
      const auto method = make_pair_method<Gemini>(options, d);
      auto views = random_pair(2, d);
      const auto& a = views.at("a").image();
      const auto& b = views.at("b").image();
      const auto pair = method->register_pair(a, b);
      const auto parts = method->losses_of(pair, a, b);
      (features ? parts.features : parts.flow).backward();
      CHECK(reached(*method->named_children()["backbone"]));  // of the other term, through phi
      CHECK(reached(*method->named_children()["deformer"]) != features);
    }
}

TEST_CASE("the network reaches the flow's term through the displacement alone", "[gemini]") {
  Options options;
  options.start = "released";
  const auto method = make_pair_method<Gemini>(options);
  auto views = random_pair(2, 2);
  const auto& a = views.at("a").image();
  const auto& b = views.at("b").image();
  auto pair = method->register_pair(a, b);
  pair.ab.flow = pair.ab.flow.detach().requires_grad_();
  pair.ba.flow = pair.ba.flow.detach().requires_grad_();
  method->losses_of(pair, a, b).flow.backward();
  CHECK(pair.ab.flow.grad().abs().max().item<double>() > 0);
  CHECK_FALSE(reached(*method->named_children()["backbone"]));
}

TEST_CASE("the losses of GEMINI have the gradients of their formulas", "[gemini][gradient]") {
  torch::manual_seed(3);
  for (const std::int64_t d : {2, 3}) {
    const auto shape =
        d == 2 ? std::vector<std::int64_t>{2, 1, 5, 4} : std::vector<std::int64_t>{1, 1, 3, 4, 3};
    const auto other = torch::rand(shape, torch::kFloat64);
    const auto mask = (torch::rand(shape) > 0.3).to(torch::kFloat64);
    CHECK(
        gradient_gap([&](const at::Tensor& x) { return masked_similarity_loss(x, other, mask, 3); },
                     torch::rand(shape, torch::kFloat64)) < 1e-6);
    auto wide = shape;
    wide[1] = 3;
    auto field = shape;
    field[1] = d;
    const auto f = torch::randn(wide, torch::kFloat64);
    const auto g = torch::randn(wide, torch::kFloat64);
    // Away from whole voxels, where linear interpolation has a kink.
    const auto flow = 0.2 + 0.5 * torch::rand(field, torch::kFloat64);
    const auto semantic = [&](const at::Tensor& moving, const at::Tensor& fixed,
                              const at::Tensor& u) {
      return semantic_loss(moving, fixed, {u, mask, {}}, GridConvention::paper);
    };
    CHECK(gradient_gap([&](const at::Tensor& x) { return semantic(x, g, flow).features; }, f) <
          1e-6);
    CHECK(gradient_gap([&](const at::Tensor& x) { return semantic(f, x, flow).features; }, g) <
          1e-6);
    CHECK(gradient_gap([&](const at::Tensor& x) { return semantic(f, g, x).flow; }, flow) < 1e-6);
  }
}

TEST_CASE("GEMINI has two phases, each with views and parameters of its own", "[gemini]") {
  const auto method = make_pair_method<Gemini>(Options{});
  CHECK(method->phases(3, 9) == std::vector<std::string>{"register", "restore"});
  const auto specs = method->views();
  CHECK(specs[0].phase.empty());
  CHECK(specs[1].phase == "register");
  CHECK(specs[2].phase == "restore");
  const auto children = method->named_children();
  const auto backbone = testing::count_of(*children["backbone"]);
  const auto numbers = [&](const std::string& phase) {
    std::int64_t count = 0;
    for (const auto& parameter : method->parameters_of(phase)) count += parameter.numel();
    return count;
  };
  CHECK(numbers("register") == backbone + testing::count_of(*children["deformer"]));
  CHECK(numbers("restore") == backbone + testing::count_of(*children["res_conv"]));
}

TEST_CASE("each phase of GEMINI reaches its parameters and looks at its views", "[gemini]") {
  Options options;
  options.start = "released";
  for (const std::int64_t d : {2, 3})
    for (const std::int64_t channels : {1, 3})
      for (const std::string phase : {"register", "restore"}) {
        const auto method = make_pair_method<Gemini>(options, d, channels);
        auto views = random_pair(channels == 1 ? 2 : 1, d, channels);
        views.erase(phase == "register" ? "damaged" : "b");  // as the loop does
        const auto result = method->step(views, {phase, 0, 10, true});
        REQUIRE(result.loss.isfinite().item<bool>());
        for (const auto& [name, value] : result.logs) {
          INFO(name);
          CHECK(value.isfinite().item<bool>());
          CHECK_FALSE(value.requires_grad());
        }
        CHECK(result.logs.size() == (phase == "register" ? 6 : 1));
        result.loss.backward();
        const auto children = method->named_children();
        CHECK(reached(*children["deformer"]) == (phase == "register"));
        CHECK(reached(*children["res_conv"]) == (phase == "restore"));
        for (const auto& item : method->named_parameters()) {
          if (item.key() != "backbone.weight2") continue;  // the finest level
          CHECK(item.value().grad().abs().max().item<double>() > 0);
        }
      }
}

TEST_CASE("the memory of a step of GEMINI grows with the number of pixels", "[gemini]") {
  testing::check_memory<Gemini>(Options{}, "register");
  testing::check_memory<Gemini>(Options{}, "restore");
}

TEST_CASE("GEMINI's views move A, its damaged copy and B alike", "[gemini][views]") {
  for (const std::int64_t d : {2, 3}) {
    Options options;
    options.crop = {16};
    const InputSpec input{1, d};
    const Gemini method(options, std::make_shared<testing::SmallBackbone>(input), {input, 2});
    testing::check_pair_views(method, d);
  }
}

void check_learns(std::int64_t d, std::int64_t steps, double rate) {
  torch::manual_seed(4);
  Options options;
  options.crop = {16};
  const InputSpec input{1, d};
  Gemini method(options, std::make_shared<testing::SmallBackbone>(input), {input, 2});
  method.to(torch::kFloat32);
  const testing::DefaultViews views(method.views());
  const auto images = testing::shifted_pairs(6, d);
  torch::optim::Adam adam(method.parameters(), torch::optim::AdamOptions(rate));
  double first = 0;
  double last = 0;
  double similarity = 0;
  double before = 0;
  for (std::int64_t step = 0; step < steps; ++step) {
    const auto n = 2 * (step % 3);
    const bool early = step < 20;
    const bool late = step >= steps - 20;
    auto seen = views.of({images[0].slice(0, n, n + 2), images[1].slice(0, n, n + 2)}, step);
    for (const auto& phase : method.phases(step, steps)) {
      adam.zero_grad();
      const auto result = method.step(seen, {phase, step, steps, late});
      result.loss.backward();
      adam.step();
      REQUIRE(result.loss.isfinite().item<bool>());
      if (phase == "restore") {
        if (early) first += result.loss.item<double>();
        if (late) last += result.loss.item<double>();
      } else if (late) {
        similarity += result.logs.at("gemini/similarity_loss").item<double>();
        before += result.logs.at("gemini/similarity_before").item<double>();
      }
    }
  }
  // Warped images fit better than unwarped ones of the same steps.
  CHECK(similarity < 0.95 * before);
  CHECK(last < 0.8 * first);
}

TEST_CASE("GEMINI learns on its default views", "[gemini][views]") {
  check_learns(2, 100, 3e-3);
}

TEST_CASE("GEMINI learns on its default views in 3D", "[gemini][views][slow]") {
  check_learns(3, 200, 1e-3);
}

TEST_CASE("under bfloat16 autocast displacements and losses stay float32", "[gemini]") {
  Options options;
  options.start = "released";
  const auto method = make_pair_method<Gemini>(options);
  method->to(torch::kFloat32);
  auto views = random_pair(2, 2, 1, torch::kFloat32);
  for (const std::string phase : {"register", "restore"}) {
    const auto full = method->step(views, {phase}).loss;
    at::autocast::set_autocast_enabled(at::kCPU, true);
    const auto half = method->step(views, {phase}).loss;
    const auto pair = method->register_pair(views.at("a").image(), views.at("b").image());
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCPU, false);
    CHECK(pair.ab.flow.scalar_type() == torch::kFloat32);
    CHECK(half.scalar_type() == torch::kFloat32);
    CHECK(half.item<double>() != full.item<double>());  // autocast was on
    CHECK(half.item<double>() == Approx(full.item<double>()).epsilon(0.05));
  }
}

TEST_CASE("what GEMINI shows of itself", "[gemini]") {
  for (const std::int64_t d : {2, 3}) {
    const auto method = make_pair_method<Gemini>(Options{}, d);
    CHECK(method->transfers() == Transfer::network);
    auto views = random_pair(2, d);
    CHECK(method->embed(views).at("h").first.sizes() == at::IntArrayRef({2, 6}));
    const testing::ScratchFolder folder;
    method->draw(views, folder.path());
    for (const auto* name : {"0-a.png", "0-b.png", "0-b-on-a.png", "0-dvf-b-on-a.png",
                             "0-a-on-b.png", "0-dvf-a-on-b.png", "0-damaged.png", "1-restored.png"})
      CHECK(std::filesystem::exists(folder / name));
  }
}

TEST_CASE("GEMINI says what does not fit", "[gemini][errors]") {
  const InputSpec input{1, 2};
  const auto make = [&](std::vector<std::int64_t> crop, std::vector<std::int64_t> strides) {
    Options options;
    options.crop = std::move(crop);
    return Gemini(options,
                  std::make_shared<testing::SmallBackbone>(
                      input, std::vector<std::int64_t>{6, 5, 4}, std::move(strides)),
                  {input, 2});
  };
  CHECK_THROWS_WITH(make({8, 8, 8}, {4, 2, 1}),
                    "[method] 'crop' has 3 numbers, the images have 2 axes");
  CHECK_THROWS_WITH(make({8}, {4, 2, 2}),
                    "[backbone] the finest level has stride 2; method 'gemini' compares voxels and "
                    "needs stride 1");
  CHECK_THROWS_WITH(make({10}, {2, 2, 1}),
                    "[method] 'crop' must be a multiple of 4 along every axis, which the deformer "
                    "of 'gemini' asks for");
  const auto method = make_pair_method<Gemini>(Options{});
  auto views = random_pair(2, 2);
  views.erase("b");
  views.emplace("b", View(Batch{torch::rand({2, 1, 8, 8}, torch::kFloat64), {}, {"x", "x"}, {}}));
  CHECK_THROWS_WITH(method->step(views, {"register"}),
                    "[views] 'a' ends with size [8, 12], 'b' with [8, 8]; method 'gemini' needs "
                    "one size");
  CHECK_THROWS_WITH(schema_of<Options>().parse({{"window", 4}}, "method"),
                    Catch::Contains("'window' must be odd"));
}

}  // namespace
}  // namespace covector::gemini
