#include "support/catch.h"
#include "support/numeric.h"

#include "covector/transforms/spatial/rotate90.h"
#include "sources.h"

#include <torch/types.h>

using namespace covector;
using namespace covector::transforms;
using covector::testing::draws_of;
using covector::testing::independent;
using covector::testing::max_gap;
using covector::testing::ramp;
using covector::testing::speckle;

namespace {

at::Tensor turned(const at::Tensor& image, double turns) {
  View view(testing::batch_of(image));
  view.resample(quarter_turn_map(torch::tensor({turns}, torch::kFloat64), view.size()));
  return view.image();
}

}  // namespace

TEST_CASE("quarter turns of four pixels worked out by hand", "[transforms]") {
  const auto four = [](std::vector<double> v) {
    return torch::tensor(v, torch::kFloat64).view({1, 1, 2, 2});
  };
  const auto x = four({1, 2, 3, 4});
  CHECK(torch::equal(turned(x, 0), x));
  CHECK(torch::equal(turned(x, 1), four({2, 4, 1, 3})));
  CHECK(torch::equal(turned(x, 2), four({4, 3, 2, 1})));
  CHECK(torch::equal(turned(x, 3), four({3, 1, 4, 2})));
  CHECK(torch::equal(turned(x, -1), turned(x, 3)));
}

TEST_CASE("quarter turns are those of torch::rot90, in the plane of the last two axes",
          "[transforms]") {
  for (const auto& size : {std::vector<std::int64_t>{7, 7}, {3, 6, 6}}) {
    const auto x = ramp(1, size).image;
    for (std::int64_t k = 0; k < 4; ++k)
      CHECK(max_gap(turned(x, static_cast<double>(k)), torch::rot90(x, k, {-2, -1})) < 1e-12);
  }
}

TEST_CASE("each sample turns by one, two or three quarters, the others stay", "[transforms]") {
  View view(speckle(600, 1, {2, 2}));
  auto draws = draws_of(600);
  Rotate90(Rotate90Options{}).apply(view, draws);
  const auto before = speckle(600, 1, {2, 2}).image;
  for (std::int64_t k = 1; k < 4; ++k) {
    const auto same = (view.image() - torch::rot90(before, k, {2, 3})).abs().flatten(1).amax(1);
    // 200 expected, four standard deviations of 11.5
    CHECK(std::abs((same < 1e-6).sum().item<double>() - 200) < 47);
  }
  const auto batch = speckle(3, 2, {3, 5, 5});
  CHECK(independent(Rotate90(Rotate90Options{}), batch));
  CHECK(testing::only_applied_change(Rotate90(Rotate90Options{}), batch, {0, 1, 0}));
}

TEST_CASE("rotate90 says which sides are unequal", "[transforms][errors]") {
  CHECK_THROWS_WITH(testing::made(Rotate90(Rotate90Options{}), speckle(1, 1, {6, 6, 4})),
                    "rotate90: the last two sides of a view of [6, 6, 4] differ; crop to equal "
                    "sides first");
  CHECK_THROWS_AS(testing::made(Rotate90(Rotate90Options{}), speckle(1, 1, {6, 4})), RecipeError);
  CHECK_THROWS_WITH(quarter_turn_map(torch::ones({1}, torch::kFloat64), {6, 4}),
                    "size: the last two sides of [6, 4] differ");
}
