#include "denoising.h"

#include "support/catch.h"
#include "support/numeric.h"

#include "plugins/restoration.h"

namespace covector::denoising {
namespace {

using testing::given_views;

at::Tensor four(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64).view({1, 1, 2, 2}).repeat({1, 1, 2, 2});
}

std::string chain_of(const Method& method, std::size_t view) {
  std::string text;
  const auto specs = method.views();
  for (const auto& element : specs.at(view).chain) text += to_toml(element) + "\n";
  return text;
}

Options with_noise(const std::string& noise) {
  Options options;
  options.noise = noise;
  return options;
}

TEST_CASE("denoising's loss is the mean squared error of what it restores", "[denoising]") {
  const auto method = testing::restorer<Denoising>(Options{});
  auto views = testing::restored_views(*method, 2);
  const auto y = testing::output_of(*method, views.at("damaged").image());
  const auto mse = (y - views.at("clean").image()).square().mean().item<double>();
  const auto result = method->step(views, {"train"});
  CHECK(result.loss.item<double>() == Approx(mse).epsilon(1e-12));
  CHECK(result.logs.at("denoising/psnr_db").item<double>() ==
        Approx(-10 * std::log10(mse)).epsilon(1e-12));
  const auto identity = (views.at("damaged").image() - views.at("clean").image()).square().mean();
  CHECK(result.logs.at("denoising/identity_ratio").item<double>() ==
        Approx(mse / identity.item<double>()).epsilon(1e-12));
}

TEST_CASE("denoising measures what doing nothing would give", "[denoising]") {
  // Squares 0.01, 0.01, 0.0025, 0.04: mean 0.015625, 18.0618 dB.
  const auto clean = four({0.2, 0.4, 0.6, 0.8});
  auto views = given_views(clean, clean + four({0.10, -0.10, 0.05, -0.20}));
  const auto method = testing::restorer<Denoising>(Options{});
  {
    // An output layer that answers 0.5 everywhere: mean of 0.09, 0.01, 0.01, 0.09 is 0.05.
    const torch::NoGradGuard no_grad;
    method->named_parameters()["output.weight"].zero_();
    method->named_parameters()["output.bias"].fill_(0.5);
  }
  const auto result = method->step(views, {"train"});
  CHECK(result.loss.item<double>() == Approx(0.05).epsilon(1e-12));
  CHECK(result.logs.at("denoising/identity_ratio").item<double>() ==
        Approx(0.05 / 0.015625).epsilon(1e-12));
  CHECK(result.logs.at("denoising/psnr_noisy_db").item<double>() == Approx(18.061800).margin(5e-7));
}

TEST_CASE("denoising weighs overwritten voxels as told", "[denoising]") {
  const auto clean = four({0.2, 0.4, 0.6, 0.8});
  const auto mask = four({1, 0, 0, 1}).to(torch::kBool);
  auto options = with_noise("masking");
  options.emphasis = {1, 0.5};
  const auto method = testing::restorer<Denoising>(options);
  {
    const torch::NoGradGuard no_grad;
    method->named_parameters()["output.weight"].zero_();
    method->named_parameters()["output.bias"].fill_(0.5);
  }
  // (0.09 + 0.09) over the overwritten, (0.01 + 0.01) over the others, of four.
  auto views = given_views(clean, clean, mask);
  CHECK(method->step(views, {"train", 0, 1, false}).loss.item<double>() ==
        Approx((0.18 + 0.5 * 0.02) / 4).epsilon(1e-12));
}

TEST_CASE("denoising with cross-entropy restores by a sigmoid", "[denoising]") {
  Options options;
  options.loss = "cross_entropy";
  const auto method = testing::restorer<Denoising>(options);
  const auto clean = four({0.2, 0.4, 0.6, 0.8});
  auto views = given_views(clean, clean + 0.1);
  {
    const torch::NoGradGuard no_grad;
    method->named_parameters()["output.weight"].zero_();
    method->named_parameters()["output.bias"].fill_(std::log(3.0));  // sigmoid 3/4
  }
  const auto result = method->step(views, {"train"});
  // -x ln(3/4) - (1 - x) ln(1/4), mean of x 1/2
  CHECK(result.loss.item<double>() ==
        Approx(-0.5 * (std::log(0.75) + std::log(0.25))).epsilon(1e-12));
  const auto mse = (0.55 * 0.55 + 0.35 * 0.35 + 0.15 * 0.15 + 0.05 * 0.05) / 4;
  CHECK(result.logs.at("denoising/psnr_db").item<double>() ==
        Approx(-10 * std::log10(mse)).epsilon(1e-12));
}

TEST_CASE("denoising tells how much gradient reaches the bottleneck", "[denoising]") {
  // A backbone whose finest map is a quarter of its coarsest, repeated: dL / d coarse is then a
  // quarter of the sum of dL / d fine over the block, on every voxel of the coarse map.
  struct Stacked final : Backbone {
    Stacked() { weight = register_parameter("weight", torch::ones({1}, torch::kFloat64)); }
    std::vector<at::Tensor> levels(const at::Tensor& x, std::size_t count) override {
      std::vector<at::Tensor> maps{at::avg_pool2d(x, {2, 2}) * weight};
      if (count > 1) maps.push_back(maps[0].repeat_interleave(2, 2).repeat_interleave(2, 3) * 0.25);
      return maps;
    }
    std::vector<std::int64_t> channels() const override { return {1, 1}; }
    std::vector<std::int64_t> strides() const override { return {2, 1}; }
    std::int64_t size_divisor() const override { return 2; }
    std::int64_t dimensions() const override { return 2; }
    std::size_t level_of(std::string_view) const override { return 0; }
    std::shared_ptr<Backbone> fresh() const override { return std::make_shared<Stacked>(); }
    at::Tensor weight;
  };
  Options options;
  options.crop = {4};
  const InputSpec input{1, 2};
  Denoising method(options, std::make_shared<Stacked>(), {input, 1});
  method.to(torch::kFloat64);
  {
    const torch::NoGradGuard no_grad;
    method.named_parameters()["output.weight"].fill_(1);
    method.named_parameters()["output.bias"].zero_();
  }
  // Everywhere the same gradient g: coarse (4 g / 4) on 4 voxels, fine g on 16: sqrt(4) / sqrt(16).
  const auto x = torch::full({1, 1, 4, 4}, 0.5, torch::kFloat64);
  auto views = given_views(x, x);
  CHECK(method.step(views, {"train"}).logs.at("denoising/bottleneck_gradient").item<double>() ==
        Approx(0.5).epsilon(1e-12));
}

TEST_CASE("the noise of denoising is what its options say", "[denoising]") {
  const std::string window = R"({ type = "crop", size = [16, 20], shared = true }
{ type = "flip", axis_probability = [0.0, 0.5], shared = true }
)";
  const auto noisy = [&](const Options& options) {
    return chain_of(*testing::restorer<Denoising>(options), 1);
  };
  CHECK(chain_of(*testing::restorer<Denoising>(Options{}), 0) == window);
  CHECK(noisy(Options{}) == window + "{ type = \"noise\", std = [0.05, 0.2] }\n");
  CHECK(noisy(with_noise("masking")) == window + "{ type = \"masking_noise\" }\n");
  auto salt = with_noise("salt_and_pepper");
  salt.fraction = 0.3;
  CHECK(noisy(salt) == window + "{ type = \"salt_and_pepper\", fraction = 0.3 }\n");
}

TEST_CASE("noise of 0.05 to 0.2 costs 0.0175 on average", "[denoising]") {
  // E sigma^2 = (0.2^3 - 0.05^3) / (3 0.15); that of an image's 320 voxels spreads by less than 1
  // %.
  const auto method = testing::restorer<Denoising>(Options{});
  torch::manual_seed(8);
  const auto images = torch::full({400, 1, 24, 28}, 0.5, torch::kFloat64);
  auto views = testing::DefaultViews(method->views()).of(images);
  const auto cost = (views.at("damaged").image() - 0.5).square().flatten(1).mean(1);
  const auto error = cost.std().item<double>() / 20;
  CHECK(std::abs(cost.mean().item<double>() - 0.0175) < 4 * error);
  CHECK(views.at("damaged").image().max().item<double>() > 1);  // nothing is clipped
}

TEST_CASE("a step of denoising", "[denoising]") {
  for (const auto* noise : {"gaussian", "masking", "salt_and_pepper"})
    testing::check_restoration_step<Denoising>(with_noise(noise), "denoising");
  testing::check_restoration_gradient<Denoising>(Options{});
  auto options = with_noise("masking");
  options.emphasis = {1, 0.3};
  options.loss = "cross_entropy";
  testing::check_restoration_gradient<Denoising>(options);
}

TEST_CASE("denoising in half precision, and its pictures", "[denoising]") {
  testing::check_restoration_bfloat16<Denoising>(Options{});
  testing::check_restoration_draw<Denoising>(Options{});
}

TEST_CASE("denoising learns on its default views", "[denoising][views]") {
  testing::check_restoration_learns<Denoising>(Options{}, 0.6);
}

TEST_CASE("denoising says what is wrong", "[denoising][errors]") {
  testing::check_restoration_errors<Denoising>(Options{}, "denoising");
  const auto parse = [](OptionTable table) { schema_of<Options>().parse(table, "method"); };
  CHECK_THROWS_WITH(parse({{"emphasis", OptionArray{1.0, 0.5}}}),
                    Catch::Contains("'emphasis' needs noise = \"masking\" or \"salt_and_pepper\": "
                                    "Gaussian noise changes every voxel"));
  CHECK_THROWS_WITH(parse({{"fraction", 0.3}}),
                    Catch::Contains("'fraction' needs noise = \"masking\" or \"salt_and_pepper\""));
  CHECK_THROWS_WITH(parse({{"noise", "masking"}, {"std", OptionArray{0.1, 0.2}}}),
                    Catch::Contains("'std' needs noise = \"gaussian\""));
  CHECK_THROWS_WITH(parse({{"std", OptionArray{0.2, 0.1}}}),
                    Catch::Contains("'std' must be two numbers, the smaller first"));
  CHECK_THROWS_WITH(parse({{"emphasis", OptionArray{1.0}}}),
                    Catch::Contains("'emphasis' must be two numbers"));
  CHECK_THROWS_WITH(parse({{"crop", OptionArray{}}}),
                    Catch::Contains("'crop' must be one number, or one an axis"));
  CHECK_THROWS_WITH(parse({{"noise", "speckle"}}),
                    Catch::Contains(R"('noise' must be one of "gaussian", "masking", "salt)"));
}

}  // namespace
}  // namespace covector::denoising
