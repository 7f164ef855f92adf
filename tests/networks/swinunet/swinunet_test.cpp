#include "backbone_check.h"
#include "checkpoint_check.h"
#include "support/numeric.h"

#include "covector/core/error.h"

#include "swinunet.h"

#include <ATen/autocast_mode.h>

using namespace covector;
using covector::testing::case_of;
using covector::testing::check_checkpointing;
using covector::testing::check_map;
using covector::testing::check_saved_memory;
using covector::testing::fill_golden;
using covector::testing::golden;
using covector::testing::golden_input;
using covector::testing::Json;
using covector::testing::problem_with_stages;
using covector::testing::Stages;
using covector::testing::Tolerance;
using swinunet::Options;
using swinunet::Swinunet;

namespace {

std::vector<std::int64_t> numbers(const Json& value) {
  if (value.is_array()) return value.get<std::vector<std::int64_t>>();
  return {value.get<std::int64_t>()};
}

/// The network of a golden case, with the levels of its file (bridge "x4") or with one between.
Swinunet network_of(const Json& item, const std::string& bridge = "x4") {
  const auto& config = item.at("config");
  Options options;
  options.image_size = numbers(config.at("img_size"));
  options.window = config.at("window_size");
  options.embed_dim = config.at("embed_dim");
  options.depths = numbers(config.at("depths"));
  options.heads = numbers(config.at("num_heads"));
  options.repeat3 = config.value("input_repeated_to_3_channels", false);
  options.bridge = bridge;
  Swinunet net(options, {options.repeat3 ? 1 : config.at("in_chans").get<std::int64_t>(), 2});
  net.eval();
  return net;
}

void check(const std::string& name, torch::ScalarType dtype) {
  const auto file = golden("backbones/swinunet.json");
  const auto& item = case_of(file, name);
  auto net = network_of(item);
  covector::testing::check_case(net, item, dtype);
}

/// A case of derived_any_size.json, which has no loss; and of the level between stride 4 and 1.
void check_levels(const Json& item, torch::ScalarType dtype) {
  INFO(item.at("name") << " in " << dtype);
  const torch::NoGradGuard no_grad;
  auto net = network_of(item, "x2");
  fill_golden(net);
  net.to(dtype);
  const auto shape = item.at("input_shape").get<std::vector<std::int64_t>>();
  const auto levels = net.pyramid(golden_input(shape).to(dtype));
  REQUIRE(levels.size() == 6);
  for (std::size_t i = 0; i < 6; ++i) {
    INFO("level " << i);
    const auto& wanted = i == 4 ? item.at("derived_s2_avgpool_of_finest")
                                : item.at("pyramid_coarse_to_fine").at(i == 5 ? 4 : i);
    const auto f32 = 10 * wanted.at("f32_max_abs_diff").get<double>();
    check_map(levels[i], wanted,
              dtype == torch::kFloat64 ? Tolerance{1e-8, 1e-8} : Tolerance{f32, 0});
  }
}

Options small() {
  Options options;
  options.image_size = {64};
  options.window = 4;
  options.embed_dim = 8;
  options.depths = {1, 2, 1, 1};
  options.heads = {1, 1, 2, 2};
  return options;
}

}  // namespace

TEST_CASE("SwinUNet equals the authors'", "[swinunet][golden]") {
  const auto name = GENERATE("swinunet_tiny_w4_128_in1_b2", "swinunet_tiny_w4_64x128_in1");
  check(name, torch::kFloat64);
  check(name, torch::kFloat32);
}

TEST_CASE("SwinUNet of the published width equals the authors'", "[swinunet][golden][slow]") {
  const auto name =
      GENERATE("swinunet_w4_64_in1", "swinunet_w4_64_rep3", "swinunet_default_224_rep3");
  check(name, torch::kFloat64);
  check(name, torch::kFloat32);
}

TEST_CASE("the level at stride 2 is the finest averaged", "[swinunet][golden]") {
  const auto file = golden("backbones/swinunet.json");
  check_levels(case_of(file, "swinunet_tiny_w4_64x128_in1"), torch::kFloat64);
}

TEST_CASE("the finest level is what the authors' output layer reads", "[swinunet][golden]") {
  const auto file = golden("backbones/swinunet.json");
  const auto& item = case_of(file, "swinunet_tiny_w4_64x128_in1");
  const torch::NoGradGuard no_grad;
  auto net = network_of(item);
  fill_golden(net);
  net.to(torch::kFloat64);
  const auto finest = net.pyramid(golden_input({1, 1, 64, 128})).back();
  const auto output = covector::testing::golden_parameter("output.weight", {2, 24, 1, 1});
  check_map(at::conv2d(finest, output), item.at("logits"), {1e-8, 1e-8});
}

TEST_CASE("SwinUNet takes sizes that it was not built for", "[swinunet][golden]") {
  const auto file = golden("backbones/derived_any_size.json");
  const auto& item = case_of(file, "swinunet_tiny_built224_w7_in1_run_160x96");
  check_levels(item, torch::kFloat64);
  check_levels(item, torch::kFloat32);
}

TEST_CASE("SwinUNet takes large sizes that it was not built for", "[swinunet][golden][slow]") {
  const auto file = golden("backbones/derived_any_size.json");
  const auto name =
      GENERATE("swinunet_built224_w7_in1_run_96x64", "swinunet_tiny_built224_w7_in1_run_384x384");
  check_levels(case_of(file, name), torch::kFloat64);
  check_levels(case_of(file, name), torch::kFloat32);
}

TEST_CASE("parameters have the authors' names, shapes, order and number", "[swinunet][golden]") {
  const auto file = golden("backbones/swinunet.json");
  for (const auto& item : file.at("cases")) {
    INFO(item.at("name"));
    const auto net = network_of(item);
    auto state_dict = Json::array();
    for (const auto& row : item.at("state_dict"))  // "keep": masks and indices, which are none here
      if (row.at(2) != "keep") state_dict.push_back(row);
    covector::testing::check_names(net, state_dict, "output.");
    CHECK(covector::testing::count(net) ==
          item.at("parameters_without_output_conv").get<std::int64_t>());
    std::int64_t in_encoder = 0;
    for (const auto& parameter : net.named_parameters())
      if (net.in_encoder(parameter.key())) in_encoder += parameter.value().numel();
    CHECK(in_encoder == item.at("parameters_encoder").get<std::int64_t>());
  }
}

TEST_CASE("the number of parameters follows from image size and window", "[swinunet][slow]") {
  // Image size, window, channels; the sheet of the published code's counts less its output layer.
  const std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t> rows[] = {
      {224, 7, 1, 27164964}, {224, 7, 3, 27168036},  {384, 12, 1, 27212484}, {384, 12, 3, 27215556},
      {384, 6, 1, 27158628}, {512, 16, 1, 27269508}, {512, 8, 1, 27172356},  {256, 8, 1, 27172356}};
  for (const auto& [size, window, channels, wanted] : rows) {
    Options options;
    options.image_size = {size};
    options.window = window;
    CHECK(covector::testing::count(Swinunet(options, {channels, 2})) == wanted);
  }
}

TEST_CASE("windows are no larger than the grid that they are laid out for", "[swinunet]") {
  Options options;
  CHECK(swinunet::stage_windows(options) == std::vector<std::int64_t>{7, 7, 7, 7});
  options.image_size = {64, 128};  // shorter sides 16, 8, 4, 2
  options.window = 4;
  CHECK(swinunet::stage_windows(options) == std::vector<std::int64_t>{4, 4, 4, 2});
  options.image_size = {384};
  options.window = 16;
  CHECK(swinunet::stage_windows(options) == std::vector<std::int64_t>{16, 16, 16, 12});
}

TEST_CASE("SwinUNet starts as the authors' does", "[swinunet]") {
  torch::manual_seed(3);
  auto options = small();
  options.embed_dim = 64;
  const Swinunet net(options, {1, 2});
  const auto parameters = net.named_parameters();
  // 512 * 2048 weights of deviation 0.02: known to 1 in 1e3.
  const auto weight = parameters["layers.3.blocks.0.mlp.fc2.weight"];
  CHECK(weight.std().item<double>() == Approx(0.02).epsilon(5e-3));
  CHECK(weight.mean().item<double>() == Approx(0).margin(2e-4));
  CHECK((parameters["layers.3.blocks.0.mlp.fc2.bias"] == 0).all().item<bool>());
  CHECK(parameters["up.expand.weight"].std().item<double>() == Approx(0.02).epsilon(2e-2));
  // 49 * 1 and 2 * 9 numbers.
  CHECK(
      parameters["layers.1.blocks.1.attn.relative_position_bias_table"].abs().max().item<double>() >
      0);
  CHECK(parameters["layers.1.blocks.1.attn.relative_position_bias_table"].std().item<double>() ==
        Approx(0.02).epsilon(0.4));
  CHECK((parameters["norm.weight"] == 1).all().item<bool>());
  CHECK((parameters["norm.bias"] == 0).all().item<bool>());
  // Uniform in +-1 / sqrt(16).
  const auto patch = parameters["patch_embed.proj.weight"];
  CHECK(patch.abs().max().item<double>() <= 0.25);
  CHECK(patch.abs().max().item<double>() > 0.24);
  CHECK(parameters["patch_embed.proj.bias"].abs().max().item<double>() > 0.2);
}

TEST_CASE("SwinUNet tells its levels before it runs", "[swinunet]") {
  auto options = small();
  options.bridge = GENERATE("x2", "x4");
  Swinunet net(options, {2, 2});
  net.eval();
  covector::testing::check_told_levels(net, torch::rand({1, 2, 64, 96}));
  const bool doubling = options.bridge == "x2";
  CHECK(net.strides() == (doubling ? std::vector<std::int64_t>{32, 16, 8, 4, 2, 1}
                                   : std::vector<std::int64_t>{32, 16, 8, 4, 1}));
  CHECK(net.channels().size() == net.strides().size());
  CHECK(net.dimensions() == 2);
  CHECK(net.encoder_channels() == 64);
}

TEST_CASE("SwinUNet's levels need the parameters that are said to be needed", "[swinunet]") {
  auto options = small();
  options.bridge = GENERATE("x2", "x4");
  Swinunet net(options, {1, 2});
  net.eval();
  covector::testing::check_needed_parameters(net, torch::rand({1, 1, 64, 32}));
}

TEST_CASE("a fresh SwinUNet has the shape and not the weights", "[swinunet]") {
  auto options = small();
  options.repeat3 = true;
  covector::testing::check_fresh(Swinunet(options, {1, 2}), "layers.0.blocks.0.attn.qkv.weight");
}

TEST_CASE("repeat3 is the image three times", "[swinunet]") {
  auto options = small();
  Swinunet three(options, {3, 2});
  options.repeat3 = true;
  Swinunet one(options, {1, 2});
  fill_golden(three);
  fill_golden(one);
  three.eval();
  one.eval();
  const auto x = torch::rand({1, 1, 32, 64});
  CHECK(torch::equal(one.encode(x), three.encode(x.repeat({1, 3, 1, 1}))));
}

TEST_CASE("branches are left out in training, more often the deeper", "[swinunet]") {
  torch::manual_seed(6);
  auto options = small();
  options.drop_path = 0.99;
  Swinunet net(options, {1, 2});
  const auto x = torch::rand({1, 1, 64, 64});
  const auto weight = torch::randn({1, 8, 64, 64});
  // Five blocks: rates 0, .2475, .495, .7425, .99; the decoder repeats those of its width.
  int first = 0, last = 0, last_of_decoder = 0;
  constexpr int kRuns = 20;
  for (int run = 0; run < kRuns; ++run) {
    covector::testing::clear_gradients(net);
    (net.pyramid(x).back() * weight).sum().backward();
    const auto taken = [&](const std::string& block) {
      return net.named_parameters()[block + ".mlp.fc2.weight"].grad().abs().sum().item<double>() >
             0;
    };
    first += taken("layers.0.blocks.0") ? 1 : 0;
    last += taken("layers.3.blocks.0") ? 1 : 0;
    last_of_decoder += taken("layers_up.3.blocks.0") ? 1 : 0;
  }
  CHECK(first == kRuns);
  CHECK(last_of_decoder == kRuns);
  CHECK(last <= 3);  // more than 3 of 20 at 1 in 100 happen once in 2e4
  net.eval();
  CHECK(torch::equal(net.encode(x), net.encode(x)));
}

TEST_CASE("SwinUNet trains at sizes of its own and others", "[swinunet]") {
  Swinunet net(small(), {1, 2});
  for (const std::int64_t side : {64, 160}) {
    const auto levels = net.pyramid(torch::rand({2, 1, side, 96}));
    CHECK(levels.back().sizes() == at::IntArrayRef({2, 8, side, 96}));
    (levels.back() * torch::rand_like(levels.back())).sum().backward();
  }
  for (const auto& parameter : net.parameters())
    CHECK(parameter.grad().isfinite().all().item<bool>());
}

TEST_CASE("SwinUNet under bfloat16 autocast stays near float32", "[swinunet]") {
  auto net = Swinunet(small(), {1, 2});
  fill_golden(net);
  net.eval();
  const torch::NoGradGuard no_grad;
  const auto x = golden_input({1, 1, 96, 64}).to(torch::kFloat32);
  const auto wanted = net.pyramid(x);
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const auto got = net.pyramid(x);
  at::autocast::set_autocast_enabled(at::kCPU, false);
  at::autocast::clear_cache();
  for (std::size_t i = 0; i < got.size(); ++i) {
    const auto gap = (got[i].to(torch::kFloat32) - wanted[i]).square().mean().sqrt();
    CHECK(gap.item<double>() < 0.1 * wanted[i].square().mean().sqrt().item<double>());
  }
}

TEST_CASE("images that SwinUNet cannot take are refused", "[swinunet][errors]") {
  Swinunet net(small(), {1, 2});
  CHECK_THROWS_WITH(net.pyramid(torch::zeros({1, 1, 64, 48})),
                    "swinunet input: sides must be multiples of 32, got [1, 1, 64, 48]; crop or "
                    "pad the image");
  CHECK_THROWS_WITH(net.encode(torch::zeros({1, 3, 64, 64})),
                    "swinunet input: expected [*, 1, *, *], got [1, 3, 64, 64]");
  CHECK_THROWS_AS(Swinunet(small(), {1, 3}), RecipeError);
  CHECK_THROWS_WITH(Swinunet(small(), {1, 3}),
                    "[backbone] 'swinunet' takes 2D images, the dataset yields volumes; take "
                    "\"unet\", or read their slices");
  auto options = small();
  options.repeat3 = true;
  CHECK_THROWS_WITH(Swinunet(options, {3, 2}),
                    "[backbone] 'repeat3' repeats images of one channel, these have 3; leave it "
                    "out");
}

TEST_CASE("options that SwinUNet cannot have are refused", "[swinunet][errors]") {
  using Catch::Matchers::Contains;
  const auto complaint = [](const std::string& name, OptionValue value) {
    try {
      schema_of<Options>().parse({{name, std::move(value)}}, "backbone");
    } catch (const RecipeError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(complaint("image_size", OptionArray{64, 128}).empty());
  CHECK_THAT(complaint("image_size", OptionArray{100}),
             Contains("'image_size' must be positive multiples of 32"));
  CHECK_THAT(complaint("image_size", OptionArray{}),
             Contains("'image_size' must be one number, or two"));
  CHECK_THAT(complaint("window", 0), Contains("'window' must be at least 1"));
  CHECK_THAT(complaint("depths", OptionArray{2, 2, 6}), Contains("'depths' must be four numbers"));
  CHECK_THAT(complaint("heads", OptionArray{3, 6}), Contains("'heads' must be four numbers"));
  CHECK_THAT(complaint("heads", OptionArray{3, 6, 12, 25}),
             Contains("'heads' must divide the channels of its stage: 25 does not divide 768"));
  CHECK_THAT(complaint("drop_path", 1.0), Contains("'drop_path' must be between 0"));
  CHECK_THAT(complaint("bridge", "x3"), Contains("'bridge' must be one of \"x2\", \"x4\""));
}

TEST_CASE("checkpointing changes no bit of a step of the SwinUNet", "[swinunet][checkpointing]") {
  auto options = small();
  options.drop_path = 0.5;
  const auto make = [&](const Stages& stages) {
    options.checkpoint = stages;
    return std::make_shared<Swinunet>(options, InputSpec{1, 2});
  };
  check_checkpointing(make, networks::stage_names(4, 4), golden_input({2, 1, 64, 96}));
}

TEST_CASE("checkpointing saves the inner maps of the SwinUNet's blocks",
          "[swinunet][checkpointing]") {
  auto options = small();
  options.drop_path = 0;
  options.depths = {2, 2, 2, 2};
  const auto make = [&](const Stages& stages) {
    options.checkpoint = stages;
    return std::make_shared<Swinunet>(options, InputSpec{1, 2});
  };
  // While decoder4 goes backwards, the four blocks at stride 4 without it keep what goes into GELU
  // and what comes out, 4 C channels: 4 * 2 * 4 / 4^2 of a map of C channels at stride 1. Of these
  // decoder4's output is there a second time.
  check_saved_memory(make, golden_input({1, 1, 128, 128}).to(torch::kFloat32),
                     (4 * 2 * 4 / 16 - 1) * options.embed_dim * 128 * 128 * 4);
}

TEST_CASE("stages that the SwinUNet has not are refused", "[swinunet][errors]") {
  CHECK(
      problem_with_stages<Options>({"encoder5"})
          .find(
              "'checkpoint' must be [\"all\"], or some of encoder1, encoder2, encoder3, encoder4, "
              "decoder1, decoder2, decoder3, decoder4") != std::string::npos);
}
