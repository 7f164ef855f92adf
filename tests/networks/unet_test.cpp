#include "networks/backbone_check.h"
#include "networks/checkpoint_check.h"

#include "unet.h"

using namespace covector;
using namespace covector::testing;
using unet::Unet;

namespace {

Unet unet_of(const Json& item) {
  const auto& config = item.at("config");
  unet::Options options;
  options.channels = config.at("chs").get<std::vector<std::int64_t>>();
  return {options, {config.at("in_channels"), config.at("dimensions") == "2D" ? 2 : 3}};
}

void check_both(const Json& item) {
  for (const auto dtype : {torch::kFloat64, torch::kFloat32}) {
    auto net = unet_of(item);
    check_case(net, item, dtype);
  }
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
  check_both(case_of(file, name));
}

TEST_CASE("the U-Net equals the authors' in 3D", "[unet][golden]") {
  const auto file = golden("unet.json");
  check_both(case_of(file, "unet3d_thin_48x32x16"));
}

TEST_CASE("the wide U-Net equals the authors' in 3D", "[unet][golden][slow]") {
  const auto file = golden("unet.json");
  check_both(case_of(file, "unet3d_default_32"));
}

TEST_CASE("parameters have the authors' names, shapes, order and number", "[unet][golden]") {
  const auto file = golden("unet.json");
  for (const auto& item : file.at("cases")) {
    INFO(item.at("name"));
    const auto net = unet_of(item);
    check_names(net, item.at("state_dict"));
    std::int64_t in_encoder = 0;
    for (const auto& parameter : net.named_parameters())
      if (net.in_encoder(parameter.key())) in_encoder += parameter.value().numel();
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
  std::vector<std::int64_t> shape{1, 2, 48};
  shape.resize(dimensions + 2, 32);
  const auto x = torch::rand(shape);
  check_told_levels(net, x);
  CHECK(net.dimensions() == dimensions);
  CHECK(net.encoder_channels() == 24);
  CHECK(torch::equal(net.encode(x), net.levels(x, 1)[0]));
}

TEST_CASE("a level needs the parameters that are said to be needed for it", "[unet]") {
  unet::Options options;
  options.channels = {8, 8, 8, 8, 8, 8, 8, 8, 8};
  Unet net(options, {1, 2});
  check_needed_parameters(net, torch::rand({1, 1, 32, 32}));
}

TEST_CASE("a fresh network has the shape and not the weights", "[unet]") {
  unet::Options options;
  options.channels = {8, 8, 8, 8, 8, 8, 8, 8, 8};
  check_fresh(Unet(options, {1, 2}), "inc.double_conv.0.weight");
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

TEST_CASE("checkpointing changes no bit of a step of the U-Net", "[unet][checkpointing]") {
  const auto dimensions = GENERATE(2, 3);
  unet::Options options;
  options.channels = {8, 8, 16, 16, 24, 32, 16, 8, 16};
  const auto make = [&](const Stages& stages) {
    options.checkpoint = stages;
    return std::make_shared<Unet>(options, InputSpec{1, dimensions});
  };
  std::vector<std::int64_t> shape{2, 1, 32};
  shape.resize(dimensions + 2, 16);
  check_checkpointing(make, networks::stage_names(5, 4), golden_input(shape));
}

TEST_CASE("checkpointing saves the inner maps of the U-Net's other stages",
          "[unet][checkpointing]") {
  unet::Options options;
  options.channels = {8, 8, 8, 8, 8, 8, 8, 8, 8};
  const auto make = [&](const Stages& stages) {
    options.checkpoint = stages;
    return std::make_shared<Unet>(options, InputSpec{1, 2});
  };
  // While decoder4 goes backwards, encoder1 without it keeps both convolutions and what lies
  // between: three maps of 8 channels at stride 1; decoder4's output is there a second time.
  check_saved_memory(make, golden_input({1, 1, 128, 128}).to(torch::kFloat32),
                     (3 - 1) * 8 * 128 * 128 * 4);
}

TEST_CASE("stages that the U-Net has not are refused", "[unet][errors]") {
  const auto wanted =
      "'checkpoint' must be [\"all\"], or some of encoder1, encoder2, encoder3, encoder4, "
      "encoder5, "
      "decoder1, decoder2, decoder3, decoder4";
  CHECK(problem_with_stages<unet::Options>({"decoder5"}).find(wanted) != std::string::npos);
  CHECK(problem_with_stages<unet::Options>({"all", "up4"}).find(wanted) != std::string::npos);
  CHECK(problem_with_stages<unet::Options>({"all"}).empty());
  CHECK(problem_with_stages<unet::Options>({"encoder1", "decoder4"}).empty());
}
