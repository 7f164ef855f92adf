#include "deformer.h"

#include "support/catch.h"

#include "plugins/image_pairs.h"

#include <torch/types.h>

#include <vector>

namespace covector::gemini {
namespace {

std::vector<std::int64_t> shape_of(std::int64_t d, std::int64_t channels) {
  return d == 2 ? std::vector<std::int64_t>{2, channels, 8, 12}
                : std::vector<std::int64_t>{2, channels, 8, 12, 4};
}

TEST_CASE("the deformer has as many parameters as the authors'", "[gemini]") {
  CHECK(testing::count_of(Deformer(2, 32, true)) == 176'450);
  CHECK(testing::count_of(Deformer(3, 32, true)) == 528'675);
}

TEST_CASE("the deformer gives a displacement an axis, of the size of its features", "[gemini]") {
  torch::manual_seed(1);
  for (const std::int64_t d : {2, 3})
    for (const std::int64_t channels : {4, 8, 12}) {
      const auto a = torch::randn(shape_of(d, channels));
      const auto b = torch::randn(shape_of(d, channels));
      CHECK(Deformer(d, channels, true).forward(a, b).sizes() == at::IntArrayRef(shape_of(d, d)));
    }
}

TEST_CASE("the deformer starts at rest or as large as the released code's", "[gemini]") {
  torch::manual_seed(2);
  for (const std::int64_t d : {2, 3}) {
    const auto a = torch::randn(shape_of(d, 8));
    const auto b = torch::randn(shape_of(d, 8));
    CHECK(Deformer(d, 8, true).forward(a, b).abs().max().item<double>() < 1e-3);
    // Weights of variance 2 / fan_in on inputs of about unit variance: half a voxel and more.
    const Deformer large(d, 8, false);
    CHECK(large.forward(a, b).abs().mean().item<double>() > 0.3);
    CHECK_FALSE(torch::equal(large.forward(a, b), large.forward(b, a)));
  }
}

TEST_CASE("the deformer's displacements are float32 or wider", "[gemini]") {
  Deformer deformer(2, 8, true);
  deformer.to(torch::kBFloat16);
  const auto features = torch::randn(shape_of(2, 8)).to(torch::kBFloat16);
  CHECK(deformer.forward(features, features).scalar_type() == torch::kFloat32);
  deformer.to(torch::kFloat64);
  const auto wide = features.to(torch::kFloat64);
  CHECK(deformer.forward(wide, wide).scalar_type() == torch::kFloat64);
}

}  // namespace
}  // namespace covector::gemini
