#include "networks/backbone_check.h"
#include "networks/checkpoint_check.h"

#include "covector/core/error.h"

#include "ukan.h"

using namespace covector;
using namespace covector::testing;
using ukan::Ukan;

namespace {

Ukan ukan_of(const Json& item) {
  const auto& config = item.at("config");
  ukan::Options options;
  options.channels = config.at("embed_dims").get<std::vector<std::int64_t>>();
  options.repeat3 = config.at("input_repeated_to_3_channels");
  return {options, {options.repeat3 ? 1 : config.at("in_channels").get<std::int64_t>(), 2}};
}

ukan::Options small() {
  ukan::Options options;
  options.channels = {8, 12, 16};
  return options;
}

/// 2 % of its norm for each gradient in float32. Inputs of a ReLU or a maximum that tie within the
/// rounding of float32 let other voxels through: in float64, weights that are changed by up to 6e-8
/// of themselves move the gradients of these cases by up to 1.5 % of the norm.
Wider of_the_norms(const Json& gradients) {
  Wider wider;
  for (const auto& item : gradients.items())
    wider[item.key()] = 0.02 * item.value().at("l2").get<double>();
  return wider;
}

void check_both(const Json& item) {
  for (const auto dtype : {torch::kFloat64, torch::kFloat32}) {
    auto net = ukan_of(item);
    net.train(item.at("train_mode"));
    check_case(net, item, dtype, of_the_norms(item.at("grad_of_loss")));
  }
}

std::string problem_with(OptionTable table) {
  try {
    schema_of<ukan::Options>().parse(std::move(table), "backbone");
  } catch (const RecipeError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("U-KAN equals the authors'", "[ukan][golden]") {
  const auto file = golden("backbones/ukan.json");
  check_both(case_of(file, GENERATE("ukan_tiny_64_in1", "ukan_tiny_64_in1_b2_train",
                                    "ukan_default_64_rep3", "ukan_default_64x96_in1_b2")));
}

TEST_CASE("U-KAN equals the authors' on a larger image", "[ukan][golden][slow]") {
  const auto file = golden("backbones/ukan.json");
  check_both(case_of(file, "ukan_default_256_rep3"));
}

TEST_CASE("U-KAN's finest level gives the authors' output", "[ukan][golden]") {
  const auto file = golden("backbones/ukan.json");
  const auto& item = case_of(file, "ukan_tiny_64_in1");
  auto net = ukan_of(item);
  net.eval();
  fill_golden(net);
  net.to(torch::kFloat64);
  const auto finest = net.pyramid(golden_input({1, 1, 64, 64})).back();
  const auto logits =
      at::conv2d(finest, golden_parameter("final.weight", {1, finest.size(1), 1, 1}),
                 golden_parameter("final.bias", {1}));
  check_map(logits, item.at("logits"), {1e-8, 1e-8});
}

TEST_CASE("U-KAN keeps the running averages that the authors' does", "[ukan][golden]") {
  const auto file = golden("backbones/ukan.json");
  const auto& item = case_of(file, "ukan_tiny_64_in1_b2_train");
  auto net = ukan_of(item);
  fill_golden(net);
  net.to(torch::kFloat64);
  net.pyramid(golden_input({2, 1, 64, 64}));
  const auto buffers = net.named_buffers();
  REQUIRE(item.at("running_stats_after_one_forward").size() == 4);
  for (const auto& wanted : item.at("running_stats_after_one_forward").items()) {
    INFO(wanted.key());
    const auto values = values_of(buffers[wanted.key()]);
    REQUIRE(values.size() >= wanted.value().size());
    for (std::size_t i = 0; i < wanted.value().size(); ++i)
      check_near(values[i], wanted.value().at(i), {1e-9, 1e-9});
  }
  CHECK(buffers["decoder5.conv.4.num_batches_tracked"].item<double>() == 1);
}

TEST_CASE("U-KAN has the authors' names, shapes, order and numbers", "[ukan][golden]") {
  const auto file = golden("backbones/ukan.json");
  for (const auto& item : file.at("cases")) {
    INFO(item.at("name"));
    const auto net = ukan_of(item);
    check_names(net, item.at("state_dict"), "final.");
    std::int64_t encoder = 0;
    for (const auto& parameter : net.named_parameters())
      if (net.in_encoder(parameter.key())) encoder += parameter.value().numel();
    CHECK(encoder == item.at("parameters_encoder").get<std::int64_t>());
  }
}

TEST_CASE("U-KAN has the authors' number of parameters at every width", "[ukan][golden]") {
  const auto file = golden("backbones/ukan.json");
  const auto& wanted = file.at("parameters_by_config");
  for (const auto& widths :
       {std::vector<std::int64_t>{32, 40, 64}, {64, 96, 128}, {128, 160, 256}, {256, 320, 512}}) {
    const auto name = std::to_string(widths[0]) + "-" + std::to_string(widths[1]) + "-" +
                      std::to_string(widths[2]);
    ukan::Options options;
    options.channels = widths;
    CHECK(count(Ukan(options, {1, 2})) == wanted.at(name + "_in1_nofinal").get<std::int64_t>());
    CHECK(count(Ukan(options, {3, 2})) == wanted.at(name + "_in3_nofinal").get<std::int64_t>());
    options.repeat3 = true;
    CHECK(count(Ukan(options, {1, 2})) == wanted.at(name + "_in3_nofinal").get<std::int64_t>());
  }
}

TEST_CASE("U-KAN starts as the authors' does", "[ukan]") {
  torch::manual_seed(3);
  const Ukan net({}, {1, 2});
  const auto parameters = net.named_parameters();
  // 256 * 160 * 9 weights of variance 2 / (9 * 256); 256 * 9 of variance 2 / 9, known to 1.5 %.
  CHECK(parameters["patch_embed4.proj.weight"].std().item<double>() ==
        Approx(std::sqrt(2.0 / (9 * 256))).epsilon(5e-3));
  CHECK(parameters["block2.0.layer.dwconv_1.dwconv.weight"].std().item<double>() ==
        Approx(std::sqrt(2.0 / 9)).epsilon(0.06));
  CHECK((parameters["patch_embed4.proj.bias"] == 0).all().item<bool>());
  CHECK((parameters["block2.0.layer.dwconv_1.dwconv.bias"] == 0).all().item<bool>());
  // Other convolutions uniform in +-1 / sqrt(fan_in), weights and biases.
  const auto weight = parameters["decoder1.conv.3.weight"];
  CHECK(weight.abs().max().item<double>() <= 1.0 / 48);
  CHECK(weight.std().item<double>() == Approx(1 / (48 * std::sqrt(3.0))).epsilon(5e-3));
  CHECK(parameters["decoder1.conv.3.bias"].abs().max().item<double>() > 0.95 / 48);
  CHECK((parameters["norm3.weight"] == 1).all().item<bool>());
  CHECK((parameters["decoder1.conv.4.bias"] == 0).all().item<bool>());
}

TEST_CASE("U-KAN tells its levels before it runs", "[ukan]") {
  auto options = small();
  options.levels = GENERATE(5, 6);
  Ukan net(options, {2, 2});
  net.eval();
  const auto x = torch::rand({2, 2, 96, 32});
  check_told_levels(net, x);
  CHECK(net.channels().size() == static_cast<std::size_t>(options.levels));
  CHECK(net.encoder_channels() == 16);
  CHECK(net.encode(x).sizes() == at::IntArrayRef{2, 16, 3, 1});
  CHECK(net.dimensions() == 2);
  CHECK(net.size_divisor() == 32);
}

TEST_CASE("five levels of U-KAN are the finest of its six", "[ukan]") {
  auto options = small();
  Ukan six(options, {1, 2});
  options.levels = 5;
  Ukan five(options, {1, 2});
  for (auto* net : {&six, &five}) {
    fill_golden(*net);
    net->eval();
  }
  CHECK(five.channels() == std::vector<std::int64_t>{12, 8, 2, 1, 1});
  CHECK(five.strides() == std::vector<std::int64_t>{16, 8, 4, 2, 1});
  const auto x = torch::rand({1, 1, 64, 64});
  const auto all = six.pyramid(x);
  const auto finest = five.pyramid(x);
  for (std::size_t i = 0; i < 5; ++i) CHECK(torch::equal(finest[i], all[i + 1]));
  CHECK(torch::equal(five.encode(x), all[0]));
}

TEST_CASE("a level of U-KAN needs the parameters that are said to be needed", "[ukan]") {
  auto options = small();
  options.levels = GENERATE(5, 6);
  Ukan net(options, {1, 2});
  check_needed_parameters(net, torch::rand({2, 1, 64, 32}));
  // Buffers go with their modules.
  CHECK(net.level_of("block2.0.layer.fc1.grid") == 0);
  CHECK(net.level_of("dblock2.0.layer.fc1.grid") == static_cast<std::size_t>(options.levels - 4));
  CHECK(net.level_of("decoder5.conv.4.running_var") ==
        static_cast<std::size_t>(options.levels - 1));
  CHECK_FALSE(net.in_encoder("decoder1.conv.1.running_mean"));
}

TEST_CASE("a fresh U-KAN has the shape and not the weights", "[ukan]") {
  auto options = small();
  options.repeat3 = true;
  check_fresh(Ukan(options, {1, 2}), "block1.0.layer.fc1.spline_weight");
}

TEST_CASE("images that U-KAN cannot take are refused", "[ukan][errors]") {
  Ukan net(small(), {1, 2});
  CHECK_THROWS_WITH(net.pyramid(torch::zeros({2, 1, 64, 48})),
                    "ukan input: sides must be multiples of 32, got [2, 1, 64, 48]; crop or pad "
                    "the image");
  CHECK_THROWS_WITH(net.encode(torch::zeros({2, 3, 64, 64})),
                    "ukan input: expected [*, 1, *, *], got [2, 3, 64, 64]");
  CHECK_THROWS_WITH(net.encode(torch::zeros({1, 1, 32, 32})),
                    "batch normalisation in training needs more than one value a channel, got "
                    "[1, 16, 1, 1]; take more samples a batch or larger images");
  CHECK_NOTHROW(net.encode(torch::zeros({2, 1, 32, 32})));
  net.eval();
  CHECK_NOTHROW(net.encode(torch::zeros({1, 1, 32, 32})));
}

TEST_CASE("datasets that U-KAN cannot take are refused", "[ukan][errors]") {
  CHECK_THROWS_WITH(Ukan(small(), {1, 3}),
                    "[backbone] 'ukan' runs on images, the dataset has 3 axes; take slices of the "
                    "volumes, or \"unet\"");
  auto options = small();
  options.repeat3 = true;
  CHECK_THROWS_WITH(Ukan(options, {2, 2}),
                    "[backbone] 'repeat3' shows one channel three times, the dataset has 2 "
                    "channels; leave it out");
}

TEST_CASE("options that U-KAN cannot have are refused", "[ukan][errors]") {
  const auto says = [](OptionTable table, const std::string& text) {
    const auto problem = problem_with(std::move(table));
    INFO(problem);
    return problem.find(text) != std::string::npos;
  };
  CHECK(says({{"channels", OptionArray{8, 8}}}, "'channels' must be three numbers"));
  CHECK(says({{"channels", OptionArray{8, 0, 8}}}, "'channels' must be positive numbers"));
  CHECK(says({{"channels", OptionArray{12, 8, 8}}},
             "'channels' must be widths of which 8 divides the first"));
  CHECK(says({{"levels", 4}}, "'levels' must be one of 5, 6"));
  CHECK(problem_with({{"channels", OptionArray{8, 9, 10}}, {"levels", 5}, {"repeat3", true}})
            .empty());
}

TEST_CASE("checkpointing changes no bit of a step of U-KAN", "[ukan][checkpointing]") {
  auto options = small();
  options.levels = GENERATE(5, 6);
  const auto make = [&](const Stages& stages) {
    options.checkpoint = stages;
    return std::make_shared<Ukan>(options, InputSpec{1, 2});
  };
  check_checkpointing(make, networks::stage_names(5, 5), golden_input({2, 1, 64, 32}));
}

TEST_CASE("checkpointing saves the splines of U-KAN's other stages", "[ukan][checkpointing]") {
  auto options = small();
  options.channels = {64, 64, 64};
  const auto make = [&](const Stages& stages) {
    options.checkpoint = stages;
    return std::make_shared<Ukan>(options, InputSpec{1, 2});
  };
  // Without it the three layers of decoder2 keep the eight splines of each of 64 channels at stride
  // 8 all the while. A stage of the others is smaller.
  check_saved_memory(make, golden_input({1, 1, 128, 128}).to(torch::kFloat32),
                     3 * 8 * 64 * 16 * 16 * 4);
}

TEST_CASE("stages that U-KAN has not are refused", "[ukan][errors]") {
  CHECK(
      problem_with({{"checkpoint", OptionArray{"encoder6"}}})
          .find(
              "'checkpoint' must be [\"all\"], or some of encoder1, encoder2, encoder3, encoder4, "
              "encoder5, decoder1, decoder2, decoder3, decoder4, decoder5") != std::string::npos);
}
