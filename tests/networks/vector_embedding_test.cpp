#include "support/catch.h"
#include "support/cuda.h"
#include "support/fill.h"
#include "support/golden.h"
#include "support/numeric.h"

#include "covector/networks/vector_embedding.h"
#include "ops/vector_embedding.h"

#include <ATen/Parallel.h>

#include <tuple>

using namespace covector::networks;
using covector::testing::check_summary;
using covector::testing::golden;
using covector::testing::gradient_gap;
using covector::testing::max_gap;
using covector::testing::wave;

namespace {

using Shape = std::vector<std::int64_t>;

// Largest difference in units of the reference's largest magnitude.
double relative_gap(const at::Tensor& got, const at::Tensor& wanted) {
  return max_gap(got, wanted) / (wanted.abs().max().item<double>() + 1e-30);
}

struct Sizes {
  Shape shape;
  std::int64_t radius;
  std::int64_t groups;
};

// Odd sides, sides below the radius and beyond one tile of the kernel, head_dim 8 and others.
const Sizes kSizes[] = {
    {{2, 32, 9, 11}, 2, 4},   {{1, 8, 6, 130}, 1, 1},    {{1, 6, 5, 3}, 4, 2},
    {{1, 16, 1, 67}, 3, 2},   {{2, 3, 7, 1}, 2, 3},      {{1, 5, 65, 2}, 1, 1},
    {{1, 16, 3, 5, 7}, 1, 2}, {{2, 8, 4, 2, 66}, 2, 1},  {{1, 9, 2, 3, 4}, 3, 3},
    {{1, 8, 4, 403}, 2, 1},   {{1, 4, 2, 3, 201}, 1, 1},
};

// The operators on a device against the plain reference on the CPU.
void check_against_reference(const Sizes& sizes, at::ScalarType dtype, at::DeviceType device) {
  // Rounding to the last digit, of sums of up to 343 terms.
  const auto tolerance = dtype == torch::kFloat64 ? 1e-13 : 3e-5;
  INFO(at::IntArrayRef(sizes.shape) << " radius " << sizes.radius << " groups " << sizes.groups);
  const auto q = 2 * torch::randn(sizes.shape, dtype);
  const auto k = 2 * torch::randn(sizes.shape, dtype);
  const auto there = [&](const at::Tensor& t) { return t.to(device); };
  const auto here = [](const at::Tensor& t) { return t.to(torch::kCPU); };
  const auto [v, peak, largest] =
      ops::vector_embedding(there(q), there(k), sizes.radius, sizes.groups);
  const auto [v_ref, peak_ref, largest_ref] =
      ops::reference::vector_embedding(q, k, sizes.radius, sizes.groups);
  CHECK(relative_gap(here(v), v_ref) < tolerance);
  CHECK(relative_gap(here(peak), peak_ref) < tolerance);
  CHECK(relative_gap(here(largest), largest_ref) < tolerance);
  const auto grad = torch::randn_like(v_ref);
  const auto slope = (grad * here(v)).sum(2);
  const auto got = ops::vector_embedding_backward(there(grad), there(slope), there(q), there(k),
                                                  peak, largest, sizes.radius, sizes.groups);
  const auto wanted = ops::reference::vector_embedding_backward(
      grad, slope, q, k, here(peak), here(largest), sizes.radius, sizes.groups);
  CHECK(relative_gap(here(std::get<0>(got)), std::get<0>(wanted)) < tolerance);
  CHECK(relative_gap(here(std::get<1>(got)), std::get<1>(wanted)) < tolerance);
}

}  // namespace

TEST_CASE("the vector embedding unit equals the authors'", "[veu][golden]") {
  const auto file = golden("cover.json");
  const std::string name =
      GENERATE("veu_2d_radius2_groups4", "veu_2d_radius1_groups1", "veu_2d_radius3_groups2",
               "veu_3d_radius2_groups2", "veu_3d_radius1_groups1");
  INFO(name);
  const auto& item = file.at(name);
  // "wave([2, 32, 9, 11],0.37,1.5,0)": the shape stands between the brackets.
  const auto text = item.at("q").get<std::string>();
  const auto shape =
      nlohmann::json::parse(text.substr(text.find('['), text.find(']') - text.find('[') + 1))
          .get<Shape>();
  auto q = wave(shape, 0.37, 1.5, 0).set_requires_grad(true);
  auto k = wave(shape, 0.11, 1.5, 0.3).set_requires_grad(true);
  const auto out = vector_embedding(q, k, item.at("radius"), item.at("heads"));
  out.backward(wave(out.sizes(), 0.05, 1, 0));
  check_summary(out, item.at("out"));
  check_summary(q.grad(), item.at("grad_q"));
  check_summary(k.grad(), item.at("grad_k"));
}

TEST_CASE("a vector worked out by hand", "[veu]") {
  // One channel on a row of three, radius 1. The middle sees logits 1 * (0, log 2, log 4) in its
  // row and -1000, which weighs nothing, above and below: weights 1/7, 2/7, 4/7.
  const auto query = torch::ones({1, 1, 1, 3}, torch::kFloat64);
  const auto key =
      torch::tensor({0.0, std::log(2.0), std::log(4.0)}, torch::kFloat64).view({1, 1, 1, 3});
  const auto found = vector_embedding_groups(query, key, 1, 1);
  REQUIRE(found.vectors.sizes() == at::IntArrayRef({1, 1, 2, 1, 3}));
  REQUIRE(found.largest_weight.sizes() == at::IntArrayRef({1, 1, 1, 3}));
  const auto vector = found.vectors[0][0];
  CHECK(max_gap(vector[0], torch::zeros({1, 3})) < 1e-15);
  CHECK(vector[1][0][1].item<double>() == Approx(3.0 / 7).epsilon(1e-14));
  CHECK(found.largest_weight[0][0][0][1].item<double>() == Approx(4.0 / 7).epsilon(1e-14));
  // The left end sees 0 and log 2 at offsets 0 and 1: 2/3.
  CHECK(vector[1][0][0].item<double>() == Approx(2.0 / 3).epsilon(1e-14));
}

TEST_CASE("keys that are the queries moved by one voxel are found there", "[veu]") {
  torch::manual_seed(2);
  // Orthogonal codes of length 20: only the true place matches, and takes all the weight.
  const auto code = 20 * torch::eye(64, torch::kFloat64).view({1, 64, 8, 8});
  const auto moved = torch::roll(code, {1, -2}, {2, 3});
  const auto found = vector_embedding_groups(code, moved, 2, 1);
  const auto inner = found.vectors[0][0].slice(1, 2, 6).slice(2, 2, 6);
  CHECK(max_gap(inner[0], torch::full({4, 4}, 1.0)) < 1e-9);
  CHECK(max_gap(inner[1], torch::full({4, 4}, -2.0)) < 1e-9);
  const auto weight = found.largest_weight[0][0].slice(0, 2, 6).slice(1, 2, 6);
  CHECK(max_gap(weight, torch::ones({4, 4})) < 1e-9);
}

TEST_CASE("channel c belongs to unit c mod groups, and units are averaged", "[veu]") {
  torch::manual_seed(4);
  const auto q = torch::randn({1, 6, 5, 4}, torch::kFloat64);
  const auto k = torch::randn({1, 6, 5, 4}, torch::kFloat64);
  const auto found = vector_embedding_groups(q, k, 2, 2).vectors;
  for (std::int64_t g = 0; g < 2; ++g) {
    const auto channels = torch::tensor({g, g + 2, g + 4});
    const auto alone =
        vector_embedding(q.index_select(1, channels), k.index_select(1, channels), 2, 1);
    CHECK(max_gap(found.select(1, g), alone) < 1e-14);
  }
  CHECK(max_gap(vector_embedding(q, k, 2, 2), (found.select(1, 0) + found.select(1, 1)) / 2) <
        1e-15);
}

TEST_CASE("the unit is the same at any number of threads", "[veu]") {
  torch::manual_seed(6);
  const auto threads = at::get_num_threads();
  const auto shape = GENERATE(Shape{2, 8, 37, 201}, Shape{1, 16, 5, 9, 33});
  const auto start = torch::randn(shape);
  const auto other = torch::randn(shape);
  const auto run = [&](int count) {
    at::set_num_threads(count);
    auto q = start.clone().set_requires_grad(true);
    auto k = other.clone().set_requires_grad(true);
    const auto out = vector_embedding(q, k, 2, 1);
    out.square().sum().backward();
    return std::tuple(out.detach(), q.grad(), k.grad());
  };
  const auto [out, q, k] = run(1);
  for (const auto count : {2, 3}) {
    const auto [again, again_q, again_k] = run(count);
    CHECK(torch::equal(again, out));
    CHECK(torch::equal(again_q, q));
    CHECK(torch::equal(again_k, k));
  }
  at::set_num_threads(threads);
}

TEST_CASE("the kernel equals the plain reference", "[veu]") {
  torch::manual_seed(5);
  const auto dtype = GENERATE(torch::kFloat64, torch::kFloat32);
  for (const auto& sizes : kSizes) check_against_reference(sizes, dtype, torch::kCPU);
}

TEST_CASE("the kernel on a GPU equals the plain reference", "[veu][cuda]") {
  if (!covector::testing::has_gpu()) {
    WARN("skipped: there is no GPU");
    return;
  }
  torch::manual_seed(5);
  const auto dtype = GENERATE(torch::kFloat64, torch::kFloat32);
  for (const auto& sizes : kSizes) check_against_reference(sizes, dtype, torch::kCUDA);
}

TEST_CASE("the vector embedding unit has the gradient of its formula", "[veu][gradient]") {
  torch::manual_seed(6);
  const auto radius = GENERATE(1, 2, 3, 4);
  const auto groups = GENERATE(1, 2, 4);
  const Shape shape = radius < 3 ? Shape{1, 8, 2, 3, 2} : Shape{2, 8, 3, 4};
  const auto a = torch::randn(shape, torch::kFloat64);
  const auto b = torch::randn(shape, torch::kFloat64);
  const auto weight = torch::randn_like(vector_embedding(a, b, radius, groups));
  const auto value = [&](const at::Tensor& q, const at::Tensor& k) {
    return (vector_embedding(q, k, radius, groups) * weight).sum();
  };
  CHECK(gradient_gap([&](const at::Tensor& q) { return value(q, b); }, a) < 1e-7);
  CHECK(gradient_gap([&](const at::Tensor& k) { return value(a, k); }, b) < 1e-7);
  // Both roles at once.
  CHECK(gradient_gap([&](const at::Tensor& x) { return value(x, x * 0.5); }, a) < 1e-7);
}

TEST_CASE("16-bit features are compared in float32, and layouts do not matter", "[veu]") {
  torch::manual_seed(8);
  const auto q = torch::randn({1, 16, 6, 7}).to(torch::kBFloat16);
  const auto k = torch::randn({1, 16, 6, 7}).to(torch::kBFloat16);
  const auto wanted = vector_embedding(q.to(torch::kFloat32), k.to(torch::kFloat32), 2, 2);
  const auto got = vector_embedding(q, k, 2, 2);
  CHECK(got.scalar_type() == torch::kFloat32);
  CHECK(torch::equal(got, wanted));
  CHECK(torch::equal(vector_embedding(q, k.to(torch::kFloat32), 2, 2), wanted));
  const auto last = at::MemoryFormat::ChannelsLast;
  CHECK(torch::equal(vector_embedding(q.contiguous(last), k.contiguous(last), 2, 2), wanted));

  auto input = q.detach().clone().set_requires_grad(true);
  vector_embedding(input, k, 2, 2).sum().backward();
  CHECK(input.grad().scalar_type() == torch::kBFloat16);
}

TEST_CASE("the largest weight carries no gradient", "[veu]") {
  const auto q = torch::rand({1, 8, 4, 4}).set_requires_grad(true);
  const auto found = vector_embedding_groups(q, torch::rand({1, 8, 4, 4}), 1, 1);
  CHECK(found.vectors.requires_grad());
  CHECK_FALSE(found.largest_weight.requires_grad());
  // Equal keys: each of the nine neighbours of an inner voxel weighs 1/9.
  const auto even = vector_embedding_groups(q, torch::ones({1, 8, 4, 4}), 1, 1);
  CHECK(even.largest_weight[0][0][1][1].item<float>() == Approx(1.0 / 9));
}

TEST_CASE("very unlike features neither overflow nor vanish", "[veu]") {
  const auto dtype = GENERATE(torch::kFloat64, torch::kFloat32);
  const auto sign = torch::tensor({1.0, -1.0, 1.0, -1.0, 1.0}, dtype).view({1, 1, 1, 5});
  const auto q = 1e4 * torch::ones({1, 1, 5, 5}, dtype);
  const auto k = 1e4 * sign.expand({1, 1, 5, 5});
  const auto vectors = vector_embedding(q, k, 1, 1);
  CHECK(torch::isfinite(vectors).all().item<bool>());
  // Column 1 sees equal matches to its left and right, column 0 only itself.
  CHECK(vectors.abs().max().item<double>() < 1e-6 + 0.5);
}

TEST_CASE("what the vector embedding unit cannot compare is refused", "[veu][errors]") {
  const auto x = torch::rand({1, 8, 4, 4});
  CHECK_THROWS_WITH(vector_embedding(x[0], x[0], 1, 1),
                    "query: expected [N, C, H, W] or [N, C, D, H, W], got 3 axes");
  CHECK_THROWS_WITH(vector_embedding(x, torch::rand({1, 8, 4, 5}), 1, 1),
                    "key: expected [1, 8, 4, 4], got [1, 8, 4, 5]");
  CHECK_THROWS_WITH(vector_embedding(x.to(torch::kInt64), x, 1, 1),
                    "query and key: expected floating point");
  CHECK_THROWS_WITH(vector_embedding(x, x.to(torch::kMeta), 1, 1), "query is on cpu, key on meta");
  CHECK_THROWS_WITH(vector_embedding(x, x, 0, 1), "radius: expected at least 1, got 0");
  CHECK_THROWS_WITH(vector_embedding(x, x, 1, 3), "groups: 3 does not divide the 8 channels");
  CHECK_THROWS_WITH(vector_embedding(x, x, 1, 0), "groups: 0 does not divide the 8 channels");
}
