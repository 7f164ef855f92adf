#include "models_genesis.h"

#include "support/catch.h"
#include "support/numeric.h"

#include "plugins/restoration.h"

namespace covector::models_genesis {
namespace {

using testing::given_views;

Options house() {
  Options options;
  options.form = "house";
  return options;
}

std::string text(const Parts& chain) {
  std::string all;
  for (const auto& element : chain) all += to_toml(element) + "\n";
  return all;
}

std::string damage_of(const Options& options, std::int64_t d = 2) {
  const auto chain = testing::restorer<ModelsGenesis>(options, d)->views().at(1).chain;
  return text(Parts(chain.begin() + 2, chain.end()));
}

TEST_CASE("the loss of Models Genesis at printed logits", "[models_genesis]") {
  // logits 0, ln 3, -ln 3 are 1/2, 3/4, 1/4; against 1/2, 1, 0: (0 + 1/16 + 1/16) / 3 = 1/24
  const auto logits = torch::tensor({0.0, std::log(3.0), -std::log(3.0)}, torch::kFloat64);
  const auto clean = torch::tensor({0.5, 1.0, 0.0}, torch::kFloat64);
  double sum = 0;
  for (std::int64_t i = 0; i < 3; ++i) {
    const auto method = testing::restorer<ModelsGenesis>(Options{});
    {
      const torch::NoGradGuard no_grad;
      method->named_parameters()["output.weight"].zero_();
      method->named_parameters()["output.bias"].copy_(logits.slice(0, i, i + 1));
    }
    const auto x = clean[i].expand({1, 1, 4, 4}).contiguous();
    auto views = given_views(x, x + 1);
    sum += method->step(views, {"train"}).loss.item<double>();
  }
  CHECK(sum / 3 == Approx(1.0 / 24).epsilon(1e-12));
  CHECK(sum / 3 == Approx(0.041667).margin(5e-7));
}

TEST_CASE("Models Genesis is judged by all voxels after a sigmoid", "[models_genesis]") {
  const auto method = testing::restorer<ModelsGenesis>(Options{});
  auto views = testing::restored_views(*method, 2);
  const auto y = testing::output_of(*method, views.at("damaged").image());
  const auto wanted = (1 / (1 + (-y).exp()) - views.at("clean").image()).square().mean();
  CHECK(method->step(views, {"train"}).loss.item<double>() ==
        Approx(wanted.item<double>()).epsilon(1e-12));
}

TEST_CASE("Models Genesis tells errors by what happened to a voxel", "[models_genesis]") {
  const auto method = testing::restorer<ModelsGenesis>(Options{});
  {
    const torch::NoGradGuard no_grad;
    method->named_parameters()["output.weight"].zero_();
    method->named_parameters()["output.bias"].zero_();  // answers 1/2
  }
  // Rows of 0.5, 0.7, 0.9 and 1: kept, changed, overwritten by another value and by the same.
  const auto rows = torch::tensor({0.5, 0.7, 0.9, 1.0}, torch::kFloat64).view({1, 1, 4, 1});
  const auto clean = rows.repeat({1, 1, 1, 4});
  auto damaged = clean.clone();
  damaged[0][0][1].fill_(0.2);
  damaged[0][0][2].fill_(0.1);
  auto mask = torch::zeros({1, 1, 4, 4}, torch::kBool);
  mask[0][0].slice(0, 2, 4).fill_(true);
  auto views = given_views(clean, damaged, mask);
  const auto logs = method->step(views, {"train"}).logs;
  const auto log = [&](const std::string& name) {
    return logs.at("models_genesis/" + name).item<double>();
  };
  CHECK(log("mse_kept") == Approx(0.0).margin(1e-15));
  CHECK(log("mse_changed") == Approx(0.04).epsilon(1e-12));
  CHECK(log("mse_painted") == Approx((0.16 + 0.25) / 2).epsilon(1e-12));
  CHECK(log("painted") == Approx(0.5));
  // (0 + 0.04 + 0.16 + 0.25) over (0 + 0.25 + 0.64 + 0)
  CHECK(log("identity_ratio") == Approx(0.45 / 0.89).epsilon(1e-12));
}

TEST_CASE("the damage of Models Genesis and of its house form", "[models_genesis]") {
  const auto method = testing::restorer<ModelsGenesis>(Options{});
  CHECK(text(method->views().at(0).chain) == R"({ type = "crop", size = [16, 20], shared = true }
{ type = "flip", go_on = 0.4, shared = true }
)");
  const std::string official = R"({ type = "local_shuffle", probability = 0.5 }
{ type = "intensity_map", decreasing = 0.5, probability = 0.9 }
{ type = "paint", inside = 0.2, probability = 0.9 }
)";
  CHECK(damage_of(Options{}) == official);
  CHECK(damage_of(Options{}, 3) == official);
  CHECK(
      damage_of(house()) ==
      R"({ type = "local_shuffle", side = [0.03333333333333333, 0.03333333333333333], windows = 1000, permutation = "shared", probability = 0.8 }
{ type = "intensity_map", decreasing = 0.0, probability = 0.9 }
{ type = "inpaint", boxes = 10, side = [0.05, 0.1] }
)");
  Options counted;
  counted.windows = 10'000;
  CHECK(damage_of(counted) == R"({ type = "local_shuffle", probability = 0.5, windows = 10000 }
{ type = "intensity_map", decreasing = 0.5, probability = 0.9 }
{ type = "paint", inside = 0.2, probability = 0.9 }
)");
}

TEST_CASE("Models Genesis paints, and leaves alone, as often as published", "[models_genesis]") {
  // Out-painting 0.72, which alone reaches the corner; nothing but mirror images 0.5 0.1 0.1.
  const auto method = testing::restorer<ModelsGenesis>(Options{});
  torch::manual_seed(8);
  constexpr std::int64_t kImages = 2000;
  const auto images = torch::rand({kImages, 1, 16, 20}, torch::kFloat64);
  auto views = testing::DefaultViews(method->views()).of(images);
  const auto share = [&](const at::Tensor& which) {
    return which.to(torch::kFloat64).mean().item<double>();
  };
  const auto within = [&](double got, double wanted) {
    return std::abs(got - wanted) < 4 * std::sqrt(wanted * (1 - wanted) / kImages);
  };
  const auto marked = views.at("damaged").marked();
  CHECK(within(share(marked.select(3, 0).select(2, 0)), 0.72));
  // In-painting 0.18, of which 0.05 draw no box.
  CHECK(within(share(marked.flatten(1).any(1)), 0.72 + 0.18 * 0.95));
  const auto same = (views.at("damaged").image() == views.at("clean").image()).flatten(1).all(1);
  CHECK(within(share(same), 0.5 * 0.1 * (0.1 + 0.18 * 0.05)));
  // The clean view is the image or a mirror image of it.
  const auto& clean = views.at("clean").image();
  CHECK(within(share((clean == images).flatten(1).all(1)), 1 - (0.24 + 0.048 + 0.064)));
}

TEST_CASE("a step of Models Genesis", "[models_genesis]") {
  for (const auto& options : {Options{}, house()}) {
    testing::check_restoration_step<ModelsGenesis>(options, "models_genesis");
    testing::check_restoration_gradient<ModelsGenesis>(options);
  }
}

TEST_CASE("Models Genesis in half precision, and its pictures", "[models_genesis]") {
  testing::check_restoration_bfloat16<ModelsGenesis>(Options{});
  testing::check_restoration_draw<ModelsGenesis>(Options{});
}

TEST_CASE("Models Genesis learns on its default views", "[models_genesis][views]") {
  testing::check_restoration_learns<ModelsGenesis>(house(), 0.6);
}

TEST_CASE("Models Genesis says what is wrong", "[models_genesis][errors]") {
  testing::check_restoration_errors<ModelsGenesis>(Options{}, "models_genesis");
  const auto parse = [](OptionTable table) { schema_of<Options>().parse(table, "method"); };
  CHECK_THROWS_WITH(parse({{"form", "own"}}),
                    Catch::Contains(R"('form' must be one of "official", "house")"));
  CHECK_THROWS_WITH(parse({{"windows", -1}}), Catch::Contains("'windows' must be at least 0"));
  CHECK_THROWS_WITH(parse({{"crop", OptionArray{}}}),
                    Catch::Contains("'crop' must be one number, or one an axis"));
}

}  // namespace
}  // namespace covector::models_genesis
