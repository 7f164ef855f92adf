#include "support/catch.h"
#include "support/fill.h"
#include "support/golden.h"
#include "support/numeric.h"

#include "unet.h"

using namespace covector;
using covector::testing::check_map;
using covector::testing::check_near;
using covector::testing::fill_golden;
using covector::testing::golden;
using covector::testing::golden_input;
using covector::testing::Tolerance;
using unet::Unet;

namespace {

using Json = nlohmann::json;

std::int64_t count(const torch::nn::Module& module) {
  std::int64_t total = 0;
  for (const auto& parameter : module.parameters()) total += parameter.numel();
  return total;
}

Unet unet_of(const Json& item) {
  const auto& config = item.at("config");
  unet::Options options;
  options.channels = config.at("chs").get<std::vector<std::int64_t>>();
  return {options, {config.at("in_channels"), config.at("dimensions") == "2D" ? 2 : 3}};
}

const Json& case_of(const Json& file, const std::string& name) {
  for (const auto& item : file.at("cases"))
    if (item.at("name") == name) return item;
  throw std::out_of_range(name);
}

void check_gradients(Unet& net, const Json& wanted, Tolerance tolerance) {
  const auto parameters = net.named_parameters();
  REQUIRE(wanted.size() == 4);
  for (const auto& item : wanted.items()) {
    INFO(item.key());
    const auto gradient = parameters[item.key()].grad().to(torch::kFloat64).flatten();
    check_near(gradient.norm().item<double>(), item.value().at("l2"), tolerance);
    const auto& first = item.value().at("first4");
    for (std::int64_t i = 0; i < 4; ++i)
      check_near(gradient[i].item<double>(), first.at(i), tolerance);
  }
}

/// Runs a case of unet.json and compares every level, the loss and the gradients.
/// float64: 1e-8 absolute and relative, the digits of the file. float32: ten times what the
/// authors' code itself loses in float32 there.
void check_case(const Json& item, torch::ScalarType dtype) {
  INFO(item.at("name") << " in " << dtype);
  auto net = unet_of(item);
  fill_golden(net);
  net.to(dtype);
  const auto shape = item.at("input_shape").get<std::vector<std::int64_t>>();
  const auto levels = net.pyramid(golden_input(shape).to(dtype));
  const auto& wanted = item.at("pyramid_coarse_to_fine");
  REQUIRE(levels.size() == wanted.size());
  Tolerance widest{1e-8, 1e-8};
  auto loss = torch::zeros({}, dtype);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    INFO("level " << i);
    const auto f32 = 10 * wanted[i].at("f32_max_abs_diff").get<double>();
    const auto tolerance = dtype == torch::kFloat64 ? Tolerance{1e-8, 1e-8} : Tolerance{f32, 0};
    if (dtype == torch::kFloat32) widest = {std::max(widest.absolute, f32), 1e-4};
    check_map(levels[i], wanted[i], tolerance);
    loss = loss + levels[i].square().mean();
  }
  check_near(loss.item<double>(), item.at("loss_sum_of_level_mean_squares"), widest);
  loss.backward();
  check_gradients(net, item.at("grad_of_loss"), widest);
}

}  // namespace

TEST_CASE("the fill rule gives its published check values", "[golden]") {
  using covector::testing::fnv1a;
  using covector::testing::hash_value;
  CHECK(fnv1a("input") == 4191711099U);
  CHECK(hash_value(fnv1a("input"), 0) == 0.59806621074676514);
  CHECK(hash_value(fnv1a("input"), 1) == 0.37034845352172852);
}

TEST_CASE("the U-Net equals the authors' in 2D", "[unet][golden]") {
  const auto file = golden("unet.json");
  const auto name = GENERATE("unet2d_default_64", "unet2d_default_96x64_b2", "unet2d_rgb_32");
  check_case(case_of(file, name), torch::kFloat64);
  check_case(case_of(file, name), torch::kFloat32);
}

TEST_CASE("the U-Net equals the authors' in 3D", "[unet][golden]") {
  const auto file = golden("unet.json");
  check_case(case_of(file, "unet3d_thin_48x32x16"), torch::kFloat64);
  check_case(case_of(file, "unet3d_thin_48x32x16"), torch::kFloat32);
}

TEST_CASE("the wide U-Net equals the authors' in 3D", "[unet][golden][slow]") {
  const auto file = golden("unet.json");
  check_case(case_of(file, "unet3d_default_32"), torch::kFloat64);
  check_case(case_of(file, "unet3d_default_32"), torch::kFloat32);
}

TEST_CASE("parameters have the authors' names, shapes, order and number", "[unet][golden]") {
  const auto file = golden("unet.json");
  for (const auto& item : file.at("cases")) {
    INFO(item.at("name"));
    auto net = unet_of(item);
    const auto parameters = net.named_parameters();
    const auto& wanted = item.at("state_dict");
    REQUIRE(parameters.size() == wanted.size());
    std::int64_t in_encoder = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      CHECK(parameters[i].key() == wanted[i].at(0).get<std::string>());
      CHECK(parameters[i].value().sizes().vec() ==
            wanted[i].at(1).get<std::vector<std::int64_t>>());
      if (net.in_encoder(parameters[i].key())) in_encoder += parameters[i].value().numel();
    }
    CHECK(count(net) == item.at("parameters").get<std::int64_t>());
    CHECK(in_encoder == item.at("encoder_parameters").get<std::int64_t>());
  }
}

TEST_CASE("the U-Net starts as the authors' does", "[unet]") {
  torch::manual_seed(3);
  const Unet net({}, {1, 2});
  const auto parameters = net.named_parameters();
  // 256 * 512 * 9 weights of standard deviation sqrt(2 / (256 * 9)): known to 1 in 1e3.
  const auto weight = parameters["down4.maxpool_conv.1.double_conv.0.weight"];
  CHECK(weight.std().item<double>() == Approx(std::sqrt(2.0 / (256 * 9))).epsilon(5e-3));
  // 512 biases uniform in +-1 / sqrt(256 * 9) = +-1 / 48.
  const auto bias = parameters["down4.maxpool_conv.1.double_conv.0.bias"];
  CHECK(bias.abs().max().item<double>() <= 1.0 / 48);
  CHECK(bias.abs().max().item<double>() > 0.95 / 48);
  CHECK(bias.mean().item<double>() == Approx(0).margin(4e-3));
  CHECK((parameters["up1.conv.double_conv.1.weight"] == 1).all().item<bool>());
  CHECK((parameters["up1.conv.double_conv.1.bias"] == 0).all().item<bool>());
}

TEST_CASE("the U-Net tells its levels before it runs", "[unet]") {
  const auto dimensions = GENERATE(2, 3);
  unet::Options options;
  options.channels = {8, 8, 16, 16, 24, 32, 16, 8, 16};
  Unet net(options, {2, dimensions});
  std::vector<std::int64_t> shape{1, 2};
  shape.resize(dimensions + 2, 32);
  const auto x = torch::rand(shape);
  const auto levels = net.pyramid(x);
  REQUIRE(levels.size() == net.channels().size());
  REQUIRE(levels.size() == net.strides().size());
  for (std::size_t i = 0; i < levels.size(); ++i) {
    CHECK(levels[i].size(1) == net.channels()[i]);
    for (int axis = 0; axis < dimensions; ++axis)
      CHECK(levels[i].size(2 + axis) == 32 / net.strides()[i]);
  }
  CHECK(net.dimensions() == dimensions);
  CHECK(net.channels().front() == 24);
  CHECK(torch::equal(net.encode(x), levels[0]));
  const auto coarse = net.levels(x, 3);
  REQUIRE(coarse.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(torch::equal(coarse[i], levels[i]));
}

TEST_CASE("a level needs the parameters that are said to be needed for it", "[unet]") {
  unet::Options options;
  options.channels = {8, 8, 8, 8, 8, 8, 8, 8, 8};
  for (std::size_t count = 1; count <= 5; ++count) {
    Unet net(options, {1, 2});
    net.levels(torch::rand({1, 1, 32, 32}), count).back().square().sum().backward();
    for (const auto& item : net.named_parameters()) {
      INFO(item.key() << " with " << count << " levels");
      CHECK(item.value().grad().defined() == (net.level_of(item.key()) < count));
    }
  }
}

TEST_CASE("a fresh network has the shape and not the weights", "[unet]") {
  unet::Options options;
  options.channels = {8, 8, 8, 8, 8, 8, 8, 8, 8};
  Unet net(options, {1, 2});
  const auto fresh = net.fresh();
  const auto mine = net.named_parameters();
  const auto others = fresh->named_parameters();
  REQUIRE(mine.keys() == others.keys());
  for (const auto& item : mine) CHECK(item.value().sizes() == others[item.key()].sizes());
  CHECK_FALSE(torch::equal(mine["inc.double_conv.0.weight"], others["inc.double_conv.0.weight"]));
}

TEST_CASE("align_corners decides how the decoder upsamples", "[unet]") {
  unet::Options options;
  options.channels = {8, 8, 8, 8, 8, 8, 8, 8, 8};
  Unet edges(options, {1, 2});
  options.align_corners = true;
  Unet centres(options, {1, 2});
  fill_golden(edges);
  fill_golden(centres);
  const auto x = golden_input({1, 1, 32, 32}).to(torch::kFloat32);
  const auto a = edges.pyramid(x);
  const auto b = centres.pyramid(x);
  CHECK(torch::equal(a[0], b[0]));
  CHECK_FALSE(torch::equal(a[1], b[1]));
}

TEST_CASE("images that the U-Net cannot take are refused", "[unet][errors]") {
  Unet net({}, {1, 2});
  CHECK_THROWS_WITH(net.pyramid(torch::zeros({1, 1, 64, 60})),
                    "unet input: sides must be multiples of 16, got [1, 1, 64, 60]; crop or pad "
                    "the image");
  CHECK_THROWS_WITH(net.encode(torch::zeros({1, 1, 0, 16})),
                    "unet input: sides must be multiples of 16, got [1, 1, 0, 16]; crop or pad "
                    "the image");
  CHECK_THROWS_WITH(net.pyramid(torch::zeros({1, 3, 64, 64})),
                    "unet input: expected [*, 1, *, *], got [1, 3, 64, 64]");
  CHECK_THROWS_WITH(net.pyramid(torch::zeros({1, 1, 32, 32, 32})),
                    "unet input: expected [*, 1, *, *], got [1, 1, 32, 32, 32]");
  CHECK_THROWS_WITH(Unet({}, {1, 1}), "a convolution runs over 2 or 3 axes, not 1");
}

TEST_CASE("widths that the U-Net cannot have are refused", "[unet][errors]") {
  const auto schema = schema_of<unet::Options>();
  const auto problem_with = [&](OptionArray channels) {
    try {
      schema.parse({{"channels", std::move(channels)}}, "backbone");
    } catch (const RecipeError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(problem_with({8, 8, 8}).find("'channels' must be nine numbers") != std::string::npos);
  CHECK(problem_with({8, 8, 8, 8, 12, 8, 8, 8, 8})
            .find("'channels' must be positive multiples of 8") != std::string::npos);
  CHECK(problem_with({8, 8, 8, 8, 0, 8, 8, 8, 8})
            .find("'channels' must be positive multiples of 8") != std::string::npos);
  CHECK(problem_with({8, 8, 8, 8, 8, 8, 8, 8, 8}).empty());
}
