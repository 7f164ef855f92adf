#include "support/catch.h"

#include "covector/core/random.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

using covector::Draws;
using covector::RandomStream;

TEST_CASE("a stream depends on its key alone", "[random]") {
  RandomStream first(7, "crop", {12, 3});
  RandomStream other(7, "crop", {12, 4});
  const auto a = first.uniform();
  other.uniform();
  CHECK(RandomStream(7, "crop", {12, 3}).uniform() == a);
  CHECK(RandomStream(8, "crop", {12, 3}).uniform() != a);
  CHECK(RandomStream(7, "blur", {12, 3}).uniform() != a);
  CHECK(RandomStream(7, "crop", {3, 12}).uniform() != a);
}

TEST_CASE("the moments of uniform and normal draws", "[random]") {
  RandomStream stream(1, "moments");
  const int count = 200'000;
  double mean = 0, square = 0, normal_mean = 0, normal_square = 0;
  for (int i = 0; i < count; ++i) {
    const auto u = stream.uniform();
    const auto z = stream.normal();
    mean += u / count;
    square += u * u / count;
    normal_mean += z / count;
    normal_square += z * z / count;
  }
  // Four standard errors: 0.289 / sqrt(n) and so on.
  CHECK(std::abs(mean - 0.5) < 4 * 0.289 / std::sqrt(count));
  CHECK(std::abs(square - 1.0 / 3) < 4 * 0.298 / std::sqrt(count));
  CHECK(std::abs(normal_mean) < 4 / std::sqrt(count));
  CHECK(std::abs(normal_square - 1) < 4 * 1.414 / std::sqrt(count));
}

TEST_CASE("a permutation holds every index once and integer stays in range", "[random]") {
  auto order = RandomStream(2, "order").permutation(1000);
  CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (std::int64_t i = 0; i < 1000; ++i) REQUIRE(order[i] == i);
  RandomStream stream(3, "integer");
  for (int i = 0; i < 1000; ++i) {
    const auto drawn = stream.integer(3);
    REQUIRE((0 <= drawn && drawn < 3));
  }
}

TEST_CASE("there is no integer below 0", "[random][errors]") {
  RandomStream stream(3, "integer");
  CHECK_THROWS_WITH(stream.integer(0), "a random integer below 0 does not exist");
  CHECK_THROWS_WITH(stream.integer(-1), "a random integer below -1 does not exist");
}

TEST_CASE("shared parameters are equal across a batch, fields never are", "[random]") {
  const RandomStream same(5, "shared", {1});
  Draws draws({same, same}, {RandomStream(5, "field", {1, 0}), RandomStream(5, "field", {1, 1})});
  const auto parameter = draws.uniform(0, 1);
  CHECK(parameter[0].item<double>() == parameter[1].item<double>());
  const auto field = draws.normal_field({1, 8}, torch::kFloat32);
  CHECK_FALSE(torch::equal(field[0], field[1]));
}
