#include "support/catch.h"

#include "covector/networks/sides.h"

#include <torch/types.h>

using namespace covector::networks;
using Sides = std::vector<std::int64_t>;

TEST_CASE("one side stands for all, none for not set", "[networks]") {
  CHECK(sides_of("crop", {64}, 3) == Sides{64, 64, 64});
  CHECK(sides_of("crop", {64, 32}, 2) == Sides{64, 32});
  CHECK(sides_of("crop", {}, 2).empty());
  CHECK_THROWS_WITH(sides_of("crop", {8, 8}, 3),
                    "[task] is not valid:\n  'crop' [8, 8] has 2 sides, but the images have 3 "
                    "dimensions");
  CHECK(rounded_up({1, 16, 17}, 16) == Sides{16, 16, 32});
}

TEST_CASE("an image is padded about its middle and cropped back", "[networks]") {
  // 5 to 8: one zero before, two behind; an axis that is large enough stays.
  const auto row = torch::arange(1, 6, torch::kFloat64).view({1, 1, 1, 5});
  const auto wide = padded_to(row, {1, 8});
  CHECK(torch::equal(
      wide, torch::tensor({0., 1., 2., 3., 4., 5., 0., 0.}, torch::kFloat64).view({1, 1, 1, 8})));
  CHECK(torch::equal(cropped_to(wide, {1, 5}), row));
  CHECK(torch::equal(padded_to(row, {1, 3}), row));
}
