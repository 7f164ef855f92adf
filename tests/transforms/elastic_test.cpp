#include "support/catch.h"
#include "support/numeric.h"

#include "covector/transforms/corruption/blur.h"
#include "covector/transforms/spatial/elastic.h"
#include "sources.h"

#include <torch/types.h>

#include <cmath>

using namespace covector;
using namespace covector::transforms;
using covector::testing::draws_of;
using covector::testing::made;
using covector::testing::max_gap;
using covector::testing::ramp;
using covector::testing::speckle;

namespace {

at::Tensor numbers(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64);
}

}  // namespace

TEST_CASE("the elastic field is blurred noise times an amplitude", "[transforms]") {
  torch::manual_seed(4);
  for (const auto& shape : {std::vector<std::int64_t>{2, 2, 9, 7}, {2, 3, 5, 6, 7}}) {
    const auto noise = torch::rand(shape, torch::kFloat64) * 2 - 1;
    const auto sigma = numbers({1.5, 4});
    const auto field = elastic_field(noise, sigma, numbers({3, 0.5}));
    const auto blurred = gaussian_blur(noise, sigma);
    CHECK(max_gap(field[0], 3 * blurred[0]) < 1e-13);
    CHECK(max_gap(field[1], 0.5 * blurred[1]) < 1e-13);
  }
}

TEST_CASE("at its full amplitude the field of a volume has the deviation of the published one",
          "[transforms]") {
  // 512 / sqrt(3) (2 sqrt(pi) sigma)^(-3/2): 1.40 at sigma 10, 1.13 at 11.5, 0.95 at 13;
  // "about 1.2"
  torch::manual_seed(4);
  const auto noise = torch::rand({1, 3, 96, 96, 96}) * 2 - 1;
  const auto field = elastic_field(noise, numbers({11.5}), numbers({512}));
  const auto inner = field.slice(2, 32, 64).slice(3, 32, 64).slice(4, 32, 64);
  CHECK(field.square().mean().sqrt().item<double>() == Approx(1.2).epsilon(0.25));
  CHECK(inner.abs().max().item<double>() < 6);
}

TEST_CASE("an elastic deformation reads the image where its field says", "[transforms]") {
  ElasticOptions options;
  options.sigma = {2, 2};
  options.amplitude = {20, 20};
  View view(ramp(2, {24, 30}));
  auto draws = draws_of(2);
  Elastic(options).apply(view, draws);
  // A ramp tells the place: value = 1 + 10 row + column, so the change is 10 u_row + u_column.
  auto again = draws_of(2);
  again.uniform(2, 2);
  const auto noise = 2 * again.uniform_field({2, 24, 30}, torch::dtype(torch::kFloat64)) - 1;
  const auto u = elastic_field(noise, numbers({2, 2}), numbers({20, 20}));
  const auto wanted = ramp(2, {24, 30}).image + 10 * u.narrow(1, 0, 1) + u.narrow(1, 1, 1);
  const auto inside = covector::inside(u);
  CHECK(max_gap(view.image().masked_select(inside), wanted.masked_select(inside)) < 1e-9);
  CHECK(u.abs().max().item<double>() > 1);
  CHECK_THROWS_AS(view.map(), RecipeError);
}

TEST_CASE("elastic deformations are drawn within their ranges, sample by sample", "[transforms]") {
  for (const auto& size : {std::vector<std::int64_t>{13, 18}, {11, 12, 17}}) {
    const auto batch = speckle(3, 2, size);
    const Elastic transform{ElasticOptions{}};
    CHECK(testing::only_applied_change(transform, batch, {0, 1, 0}));
    auto whole = made(transform, batch);
    for (std::int64_t n = 0; n < 3; ++n) {
      View alone(testing::sample_of(batch, n));
      auto draws = draws_of(1, n);
      transform.apply(alone, draws);
      // A batched product may round differently than a single one.
      CHECK(max_gap(alone.image()[0], whole.image()[n]) < 2e-4);
    }
  }
}

TEST_CASE("elastic deformations say what is wrong", "[transforms][errors]") {
  CHECK_THROWS_WITH(elastic_field(torch::zeros({2, 2, 4, 4}), numbers({1}), numbers({1, 1})),
                    "sigma: expected [2], got [1]");
  CHECK_THROWS_WITH(elastic_field(torch::zeros({2, 2, 4, 4}), numbers({1, 1}), numbers({1})),
                    "amplitude: expected [2], got [1]");
  CHECK_THROWS_WITH(
      schema_of<ElasticOptions>().parse(OptionTable{{"sigma", OptionArray{2.0, 1.0}}}, "views.v"),
      Catch::Contains("'sigma' must be two numbers, the smaller first"));
}
