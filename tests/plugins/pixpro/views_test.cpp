#include "pixpro.h"

#include "support/catch.h"

#include "covector/losses/collapse.h"
#include "plugins/default_views.h"
#include "plugins/small_backbone.h"

#include <torch/optim/adam.h>
#include <torch/types.h>

/// The default views with the real transforms, opened from their plug-in.
namespace covector::pixpro {
namespace {

std::shared_ptr<PixPro> make(std::int64_t dimensions) {
  Options options;
  options.crop = {16};
  options.cells = 4;
  options.hidden = 16;
  options.embedding = 8;
  const InputSpec input{1, dimensions};
  auto method = std::make_shared<PixPro>(options, std::make_shared<testing::SmallBackbone>(input),
                                         MethodInput{input, 8});
  method->to(torch::kFloat32);
  return method;
}

TEST_CASE("the default views overlap, one is blurred and the other may be solarised",
          "[pixpro][views]") {
  const auto method = make(2);
  const auto specs = method->views();
  REQUIRE(specs.size() == 2);
  CHECK(specs[0].name == "first");
  const auto probability = [](const ViewSpec& spec, const std::string& type) {
    for (const auto& element : spec.chain)
      if (*element.find("type")->as_string() == type)
        return std::get<double>(element.find("probability")->data);
    return 0.0;
  };
  CHECK(probability(specs[0], "blur") == 1.0);
  CHECK(probability(specs[0], "solarise") == 0.0);
  CHECK(probability(specs[1], "blur") == 0.1);
  CHECK(probability(specs[1], "solarise") == 0.2);
}

TEST_CASE("PixPro learns without collapse on its default views", "[pixpro][views]") {
  for (const std::int64_t d : {2, 3}) {
    torch::manual_seed(4);
    auto method = make(d);
    const testing::DefaultViews views(method->views());
    const auto images = testing::wavy_images(
        8, d == 2 ? std::vector<std::int64_t>{24, 20} : std::vector<std::int64_t>{20, 24, 20});
    torch::optim::Adam adam(method->parameters(), torch::optim::AdamOptions(1e-3));
    const std::int64_t steps = 200;
    double first = 0;
    double last = 0;
    for (std::int64_t step = 0; step < steps; ++step) {
      auto seen = views.of(images, step);
      adam.zero_grad();
      const auto loss = method->step(seen, {"train", step, steps}).loss;
      loss.backward();
      adam.step();
      method->after_step(step, steps);
      REQUIRE(loss.isfinite().item<bool>());
      if (step < 20) first += loss.item<double>() / 20;
      if (step >= steps - 20) last += loss.item<double>() / 20;
    }
    CHECK(last < first - 0.1);
    method->eval();
    auto seen = views.of(images, steps);
    const auto z = method->embed(seen).at("z");
    REQUIRE(z.first.size(0) > 20);
    CHECK(losses::collapse(z.first, z.second).std.item<double>() > 0.1 / std::sqrt(8.0));
  }
}

}  // namespace
}  // namespace covector::pixpro
