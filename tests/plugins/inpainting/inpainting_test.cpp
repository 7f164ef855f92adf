#include "inpainting.h"

#include "support/catch.h"
#include "support/numeric.h"

#include "plugins/restoration.h"

namespace covector::inpainting {
namespace {

using testing::given_views;

// 4 x 4 ramp in sixteenths, the middle four voxels overwritten.
struct Ramp {
  at::Tensor clean = torch::arange(16, torch::kFloat64).view({1, 1, 4, 4}) / 16;
  at::Tensor mask = torch::zeros({1, 1, 4, 4}, torch::kBool);
  Ramp() { mask[0][0].slice(0, 1, 3).slice(1, 1, 3).fill_(true); }
};

// A method that answers one number everywhere.
std::shared_ptr<Inpainting> answering(double value, const Options& options) {
  auto method = testing::restorer<Inpainting>(options);
  const torch::NoGradGuard no_grad;
  method->named_parameters()["output.weight"].zero_();
  method->named_parameters()["output.bias"].fill_(value);
  return method;
}

double loss_of(const Options& options) {
  const Ramp ramp;
  auto views = given_views(ramp.clean, ramp.clean, ramp.mask);
  return answering(0.25, options)->step(views, {"train", 0, 1, false}).loss.item<double>();
}

std::string damage_of(const Options& options, std::int64_t d = 2) {
  return to_toml(testing::restorer<Inpainting>(options, d)->views().at(1).chain.at(2));
}

TEST_CASE("in-painting is judged by what was removed, or by all voxels", "[inpainting]") {
  // In sixteenths, against 4: removed 5, 6, 9, 10: squares 1, 4, 25, 36; all 16: 0 .. 15.
  double all = 0;
  for (int i = 0; i < 16; ++i) all += (i - 4) * (i - 4) / 256.0;
  const auto inside = 66 / 256.0;
  Options options;
  CHECK(loss_of(options) == Approx(inside / 4).epsilon(1e-12));
  options.loss = "full";
  CHECK(loss_of(options) == Approx(all / 16).epsilon(1e-12));
  options.outside_weight = 10;
  CHECK(loss_of(options) == Approx((inside + 10 * (all - inside)) / 16).epsilon(1e-12));
  options.loss = "masked";
  options.outside_weight = 1;
  options.error = "absolute";
  CHECK(loss_of(options) == Approx((1 + 2 + 5 + 6) / 16.0 / 4).epsilon(1e-12));
}

TEST_CASE("with the house boxes in-painting is judged by all voxels", "[inpainting]") {
  Options options;
  options.mask = "house";
  const auto house = loss_of(options);
  options.loss = "full";
  CHECK(loss_of(options) == house);
  options.loss = "masked";
  CHECK(loss_of(options) != house);
}

TEST_CASE("the masked loss is one quotient for the batch", "[inpainting]") {
  // Errors 1 on 4 voxels and 3 on 1: (4 + 9) / 5, not the mean of 1 and 9.
  const auto clean = torch::zeros({2, 1, 4, 4}, torch::kFloat64);
  auto mask = torch::zeros({2, 1, 4, 4}, torch::kBool);
  mask[0][0][0].fill_(true);
  mask[1][0][2][2] = true;
  auto off = clean.clone();
  off[0].fill_(0.25 - 1);
  off[1].fill_(0.25 - 3);
  auto views = given_views(off, off, mask);
  CHECK(answering(0.25, Options{})->step(views, {"train"}).loss.item<double>() ==
        Approx(13.0 / 5).epsilon(1e-12));
}

TEST_CASE("what in-painting logs", "[inpainting]") {
  const Ramp ramp;
  auto views = given_views(ramp.clean, ramp.clean, ramp.mask);
  const auto logs = answering(0.25, Options{})->step(views, {"train"}).logs;
  const auto log = [&](const std::string& name) {
    return logs.at("inpainting/" + name).item<double>();
  };
  CHECK(log("masked_mse") == Approx(66 / 256.0 / 4).epsilon(1e-12));
  double all = 0;
  for (int i = 0; i < 16; ++i) all += (i - 4) * (i - 4) / 256.0;
  CHECK(log("unmasked_mse") == Approx((all - 66 / 256.0) / 12).epsilon(1e-12));
  // The mean is 7.5 sixteenths: squares 6.25, 2.25, 2.25, 6.25 of 256.
  CHECK(log("mean_ratio") == Approx(66 / 17.0).epsilon(1e-12));
  CHECK(log("coverage") == Approx(0.25));
  // Nothing removed: no loss, no gradient, nothing to divide by.
  auto whole = given_views(ramp.clean, ramp.clean);
  const auto method = answering(0.25, Options{});
  const auto result = method->step(whole, {"train"});
  CHECK(result.loss.item<double>() == 0);
  result.loss.backward();
  CHECK(method->named_parameters()["output.bias"].grad().abs().max().item<double>() == 0);
  for (const auto& [name, value] : result.logs) CHECK(value.isfinite().item<bool>());
}

TEST_CASE("the boxes of in-painting are what its options say", "[inpainting]") {
  Options options;
  CHECK(
      damage_of(options) ==
      R"({ type = "inpaint", coverage = [0.2, 0.3], side = [0.0625, 0.16666666666666666], largest_side = true, margin = 0, fill = "mean", constant = 0.0 })");
  CHECK(
      damage_of(options, 3) ==
      R"({ type = "inpaint", coverage = [0.2, 0.3], side = [0.125, 0.25], largest_side = true, margin = 0, fill = "mean", constant = 0.0 })");
  options.side = {0.1, 0.2};
  options.fill = "constant";
  options.fill_value = 0.5;
  CHECK(
      damage_of(options) ==
      R"({ type = "inpaint", coverage = [0.2, 0.3], side = [0.1, 0.2], largest_side = true, margin = 0, fill = "constant", constant = 0.5 })");
  Options house;
  house.mask = "house";
  CHECK(damage_of(house) ==
        R"({ type = "inpaint", boxes = 10, side = [0.05, 0.1], fill = "noise", constant = 0.0 })");
  CHECK(damage_of(house, 3) ==
        R"({ type = "inpaint", boxes = 30, side = [0.1, 0.2], fill = "noise", constant = 0.0 })");
}

TEST_CASE("in-painting fills with the mean of the view and marks that", "[inpainting]") {
  const auto method = testing::restorer<Inpainting>(Options{});
  auto views = testing::restored_views(*method, 2);
  const auto& clean = views.at("clean").image();
  const auto& damaged = views.at("damaged").image();
  const auto mask = views.at("damaged").marked();
  const auto mean = clean.mean({2, 3}, true).expand_as(clean);
  CHECK(torch::equal(damaged, torch::where(mask, mean, clean)));
  const auto coverage = mask.to(torch::kFloat64).flatten(1).mean(1);
  CHECK(coverage.min().item<double>() >= 0.2);
  CHECK(coverage.max().item<double>() <= 0.3 + 1.0 / 36);
}

TEST_CASE("a step of in-painting", "[inpainting]") {
  testing::check_restoration_step<Inpainting>(Options{}, "inpainting");
  testing::check_restoration_gradient<Inpainting>(Options{});
  Options options;
  options.loss = "full";
  options.fill = "noise";
  options.error = "absolute";
  testing::check_restoration_step<Inpainting>(options, "inpainting");
  testing::check_restoration_gradient<Inpainting>(options);
}

TEST_CASE("in-painting in half precision, and its pictures", "[inpainting]") {
  testing::check_restoration_bfloat16<Inpainting>(Options{});
  testing::check_restoration_draw<Inpainting>(Options{});
}

TEST_CASE("in-painting learns on its default views", "[inpainting][views]") {
  testing::check_restoration_learns<Inpainting>(Options{}, 0.6);
}

TEST_CASE("in-painting says what is wrong", "[inpainting][errors]") {
  testing::check_restoration_errors<Inpainting>(Options{}, "inpainting");
  const auto parse = [](OptionTable table) { schema_of<Options>().parse(table, "method"); };
  CHECK_THROWS_WITH(parse({{"mask", "circle"}}),
                    Catch::Contains(R"('mask' must be one of "blocks", "house")"));
  CHECK_THROWS_WITH(parse({{"fill", "zero"}}),
                    Catch::Contains(R"('fill' must be one of "mean", "noise", "constant")"));
  CHECK_THROWS_WITH(parse({{"loss", "half"}}),
                    Catch::Contains(R"('loss' must be one of "masked", "full")"));
  CHECK_THROWS_WITH(parse({{"coverage", OptionArray{0.3, 0.2}}}),
                    Catch::Contains("'coverage' must be two numbers, the smaller first"));
  CHECK_THROWS_WITH(parse({{"side", OptionArray{0.3}}}),
                    Catch::Contains("'side' must be empty, or two numbers, the smaller first"));
  CHECK_THROWS_WITH(parse({{"mask", "house"}, {"side", OptionArray{0.1, 0.2}}}),
                    Catch::Contains("'side' needs mask = \"blocks\""));
  CHECK_THROWS_WITH(parse({{"mask", "house"}, {"coverage", OptionArray{0.1, 0.2}}}),
                    Catch::Contains("'coverage' needs mask = \"blocks\""));
  CHECK_THROWS_WITH(parse({{"fill_value", 0.5}}),
                    Catch::Contains("'fill_value' needs fill = \"constant\""));
  CHECK_THROWS_WITH(parse({{"outside_weight", 10.0}}),
                    Catch::Contains("'outside_weight' needs loss = \"full\""));
  parse({{"mask", "house"}, {"outside_weight", 10.0}});
  CHECK_THROWS_WITH(parse({{"crop", OptionArray{}}}),
                    Catch::Contains("'crop' must be one number, or one an axis"));
}

}  // namespace
}  // namespace covector::inpainting
