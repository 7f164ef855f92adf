#include "support/catch.h"
#include "support/cuda.h"
#include "support/numeric.h"

#include "covector/networks/blocks.h"
#include "covector/networks/group_norm.h"
#include "ops/group_norm.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

using namespace covector::networks;
using covector::testing::gradient_gap;
using covector::testing::max_gap;

namespace {

using Shape = std::vector<std::int64_t>;

// Odd sides and channels; fewer numbers than a register has, more than a chunk of the kernel; one
// channel, one voxel; rows of channels below and beyond the kernel's row of 64.
const Shape kShapes[] = {
    {2, 6, 5, 7},    {1, 4, 1, 1},     {3, 1, 9, 3},       {2, 12, 3, 67},   {1, 65, 4, 3},
    {2, 130, 3, 2},  {1, 2, 190, 191}, {1, 24, 50, 31},    {2, 8, 16, 16},   {1, 64, 9, 8},
    {2, 4, 3, 5, 7}, {1, 9, 2, 1, 3},  {1, 3, 21, 23, 25}, {2, 16, 4, 4, 4},
};

at::MemoryFormat channels_last(const at::Tensor& x) {
  return x.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::ChannelsLast3d;
}

struct Problem {
  at::Tensor x, weight, bias, grad;
  double slope;

  Problem(const Shape& shape, at::ScalarType dtype, bool last, double slope_of) : slope(slope_of) {
    x = (torch::randn(shape, torch::kFloat64) * 3 + 2).to(dtype);
    grad = torch::randn(shape, torch::kFloat64).to(dtype);
    if (last) x = x.contiguous(channels_last(x));
    if (last) grad = grad.contiguous(channels_last(grad));
    const auto wide = ops::computed_in(dtype);
    weight = (torch::rand({shape[1]}, torch::kFloat64) + 0.5).to(wide);
    bias = torch::randn({shape[1]}, torch::kFloat64).to(wide);
  }
};

struct Answer {
  at::Tensor out, x, weight, bias;
};

template <class Norm>
Answer answer(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
              const at::Tensor& grad, const Norm& norm) {
  const auto leaf = [](const at::Tensor& t) { return t.detach().set_requires_grad(true); };
  const auto a = leaf(x);
  const auto w = leaf(weight);
  const auto b = leaf(bias);
  const auto out = norm(a, w, b);
  out.backward(grad);
  return {out.detach(), a.grad(), w.grad(), b.grad()};
}

// LibTorch's group normalisation and activation in float64, contiguous. Where y is as good as zero
// the gradient is made zero in the problem too, since rounding decides the side of the kink there.
Answer expected(Problem& problem, std::int64_t groups) {
  const auto wide = [](const at::Tensor& t) { return t.to(torch::kFloat64).contiguous(); };
  const auto norm = [&](const at::Tensor& x, const at::Tensor& w, const at::Tensor& b) {
    return at::group_norm(x, groups, w, b, 1e-5);
  };
  const auto y = norm(wide(problem.x), wide(problem.weight), wide(problem.bias));
  problem.grad = problem.grad.masked_fill(y.abs() < 1e-4, 0);
  return answer(
      wide(problem.x), wide(problem.weight), wide(problem.bias), wide(problem.grad),
      [&](const auto&... tensors) { return at::leaky_relu(norm(tensors...), problem.slope); });
}

Answer found(const Problem& problem, std::int64_t groups) {
  return answer(problem.x, problem.weight, problem.bias, problem.grad,
                [&](const at::Tensor& x, const at::Tensor& w, const at::Tensor& b) {
                  return group_norm(x, groups, w, b, 1e-5, problem.slope);
                });
}

// Largest difference that rounding the result to 16 bits, by at most 2^-8 of it, does not explain.
double gap(const at::Tensor& got, const at::Tensor& wanted) {
  auto difference = (got.to(torch::kFloat64) - wanted).abs();
  if (got.scalar_type() == torch::kBFloat16)
    difference = (difference - wanted.abs() / 256).clamp_min(0);
  return difference.max().item<double>();
}

void check_against_expected(const Shape& shape, at::ScalarType dtype, bool last, double slope,
                            at::DeviceType device) {
  // Of numbers near one: a few roundings each way.
  const auto digits = dtype == torch::kFloat64 ? 1e-13 : 1e-5;
  for (std::int64_t groups = 1; groups <= shape[1]; ++groups) {
    if (shape[1] % groups != 0) continue;
    INFO(at::IntArrayRef(shape) << ' ' << dtype << (last ? " channels last" : " contiguous")
                                << ", groups " << groups << ", slope " << slope);
    Problem problem(shape, dtype, last, slope);
    for (auto* tensor : {&problem.x, &problem.weight, &problem.bias, &problem.grad})
      *tensor = tensor->to(device);
    const auto wanted = expected(problem, groups);
    const auto got = found(problem, groups);
    CHECK(got.out.scalar_type() == dtype);
    CHECK(got.out.strides() == problem.x.strides());
    CHECK(got.x.strides() == problem.x.strides());
    CHECK(gap(got.out, wanted.out) < 10 * digits);
    // 1 / sqrt(eps) where a group is one value: all of the gradient cancels.
    const auto rstd =
        std::get<2>(ops::group_norm(problem.x, problem.weight, problem.bias, groups, 1e-5, slope));
    CHECK(gap(got.x, wanted.x) < digits * (1 + 10 * rstd.max().item<double>()));
    const auto sums = 1 + wanted.bias.abs().max().item<double>();
    CHECK(gap(got.bias, wanted.bias) < 10 * digits * sums);
    CHECK(gap(got.weight, wanted.weight) <
          10 * digits * (sums + wanted.weight.abs().max().item<double>()));
  }
}

}  // namespace

TEST_CASE("group normalisation with LeakyReLU worked out by hand", "[group_norm]") {
  // (1, 3) has mean 2 and variance 1: -1 and 1, times 2, plus 1: -1 and 3. eps = 0.
  const auto x = torch::tensor({1.0, 3.0}, torch::kFloat64).view({1, 1, 1, 2});
  const auto weight = torch::tensor({2.0}, torch::kFloat64);
  const auto bias = torch::tensor({1.0}, torch::kFloat64);
  const auto values = [&](double slope) {
    return group_norm(x, 1, weight, bias, 0, slope).flatten();
  };
  CHECK(torch::equal(values(1), torch::tensor({-1.0, 3.0}, torch::kFloat64)));
  CHECK(torch::equal(values(0), torch::tensor({0.0, 3.0}, torch::kFloat64)));
  CHECK(torch::equal(values(0.25), torch::tensor({-0.25, 3.0}, torch::kFloat64)));
  CHECK(torch::equal(group_norm(x, 1, weight, bias, 0).flatten(), values(1)));
}

TEST_CASE("group normalisation equals LibTorch's in float64", "[group_norm]") {
  torch::manual_seed(11);
  const auto dtype = GENERATE(torch::kFloat64, torch::kFloat32, torch::kBFloat16);
  const auto last = GENERATE(false, true);
  const auto slope = GENERATE(1.0, 0.2, 0.0);
  for (const auto& shape : kShapes) check_against_expected(shape, dtype, last, slope, torch::kCPU);
}

TEST_CASE("group normalisation on a GPU equals LibTorch's in float64", "[group_norm][cuda]") {
  if (!covector::testing::has_gpu()) {
    WARN("skipped: there is no GPU");
    return;
  }
  torch::manual_seed(11);
  const auto dtype = GENERATE(torch::kFloat64, torch::kFloat32, torch::kBFloat16);
  const auto last = GENERATE(false, true);
  const auto slope = GENERATE(1.0, 0.2, 0.0);
  for (const auto& shape : kShapes) check_against_expected(shape, dtype, last, slope, torch::kCUDA);
}

TEST_CASE("group normalisation has the gradient of its formula", "[group_norm][gradient]") {
  torch::manual_seed(12);
  const auto slope = GENERATE(1.0, 0.2, 0.0, -0.5);
  const auto groups = GENERATE(1, 2, 6);
  const auto last = GENERATE(false, true);
  const Shape shape = last ? Shape{2, 6, 2, 3} : Shape{2, 6, 2, 1, 3};
  const Problem problem(shape, torch::kFloat64, false, slope);
  const auto value = [&](const at::Tensor& x, const at::Tensor& w, const at::Tensor& b) {
    const auto map = last ? x.contiguous(channels_last(x)) : x;
    return (group_norm(map, groups, w, b, 1e-2, slope) * problem.grad).sum();
  };
  const auto of_x = [&](const at::Tensor& t) { return value(t, problem.weight, problem.bias); };
  CHECK(gradient_gap(of_x, problem.x) < 1e-6);
  const auto of_weight = [&](const at::Tensor& t) { return value(problem.x, t, problem.bias); };
  CHECK(gradient_gap(of_weight, problem.weight) < 1e-7);
  const auto of_bias = [&](const at::Tensor& t) { return value(problem.x, problem.weight, t); };
  CHECK(gradient_gap(of_bias, problem.bias) < 1e-7);
}

TEST_CASE("a large mean does not swallow the variance", "[group_norm]") {
  torch::manual_seed(13);
  const auto last = GENERATE(false, true);
  auto x = torch::randn({2, 8, 40, 41}) + 1e4;
  if (last) x = x.contiguous(at::MemoryFormat::ChannelsLast);
  const auto one = torch::ones({8});
  const auto zero = torch::zeros({8});
  const auto [y, mean, rstd] = ops::group_norm(x, one, zero, 2, 1e-5, 1);
  const auto groups = x.to(torch::kFloat64).contiguous().view({2, 2, -1});
  // A float32 near 1e4 is known to half of 2^-10; the deviation is 1.
  CHECK(max_gap(mean, groups.mean(2)) < 5e-4);
  CHECK(max_gap(rstd, (groups.var(2, false) + 1e-5).rsqrt()) < 1e-6);
  const auto wanted = at::group_norm(groups.view(x.sizes()), 2, one.to(torch::kFloat64),
                                     zero.to(torch::kFloat64), 1e-5);
  CHECK(max_gap(y, wanted) < 6e-4);
}

TEST_CASE("bfloat16 is normalised as float32 is, then rounded", "[group_norm]") {
  torch::manual_seed(14);
  const auto last = GENERATE(false, true);
  const Problem problem({2, 12, 9, 13}, torch::kBFloat16, last, 0.2);
  auto wide = problem;
  wide.x = problem.x.to(torch::kFloat32);
  wide.grad = problem.grad.to(torch::kFloat32);
  const auto got = found(problem, 3);
  const auto wanted = found(wide, 3);
  CHECK(torch::equal(got.out, wanted.out.to(torch::kBFloat16)));
  CHECK(torch::equal(got.x, wanted.x.to(torch::kBFloat16)));
  CHECK(torch::equal(got.weight, wanted.weight));
  CHECK(torch::equal(got.bias, wanted.bias));
  // Parameters of 16 bits get gradients of 16 bits.
  auto narrow = problem;
  narrow.weight = problem.weight.to(torch::kBFloat16);
  CHECK(found(narrow, 3).weight.scalar_type() == torch::kBFloat16);
}

TEST_CASE("results do not depend on the number of threads", "[group_norm]") {
  torch::manual_seed(15);
  const auto last = GENERATE(false, true);
  const Problem problem({3, 16, 70, 71}, torch::kFloat32, last, 0.2);
  const auto before = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = found(problem, 4);
  at::set_num_threads(3);
  const auto three = found(problem, 4);
  at::set_num_threads(before);
  CHECK(torch::equal(one.out, three.out));
  CHECK(torch::equal(one.x, three.x));
  CHECK(torch::equal(one.weight, three.weight));
  CHECK(torch::equal(one.bias, three.bias));
}

TEST_CASE("any strides of map and gradient will do", "[group_norm]") {
  torch::manual_seed(16);
  Problem problem({2, 4, 6, 5}, torch::kFloat64, false, 0.2);
  const auto wanted = found(problem, 2);
  const auto strided = [](const at::Tensor& t) {
    auto wide = torch::zeros({2, 4, 12, 5}, t.options());
    auto part = wide.slice(2, 0, 12, 2);
    part.copy_(t);
    return part;
  };
  auto other = problem;
  other.x = strided(problem.x);
  other.grad = problem.grad.contiguous(at::MemoryFormat::ChannelsLast);
  REQUIRE_FALSE(other.x.is_contiguous());
  auto got = found(other, 2);
  CHECK(got.out.is_contiguous());
  CHECK(torch::equal(got.out, wanted.out));
  CHECK(torch::equal(got.x, wanted.x));
  // One number for all voxels, as the gradient of a mean comes.
  other.grad = torch::ones({1, 1, 1, 1}, torch::kFloat64).expand({2, 4, 6, 5});
  problem.grad = torch::ones({2, 4, 6, 5}, torch::kFloat64);
  CHECK(torch::equal(found(other, 2).x, found(problem, 2).x));
}

TEST_CASE("under autocast a bfloat16 map stays one", "[group_norm]") {
  namespace autocast = at::autocast;
  torch::manual_seed(17);
  const auto last = GENERATE(false, true);
  Conv conv(2, 2, 8, 3);
  GroupNorm norm(2, 8);
  auto x = torch::randn({1, 2, 6, 7});
  if (last) x = x.contiguous(at::MemoryFormat::ChannelsLast);
  autocast::set_autocast_enabled(at::kCPU, true);
  const auto map = conv.forward(x);
  const auto y = norm.forward(map, 0.2);
  const auto of_wide = norm.forward(x.repeat({1, 4, 1, 1}));
  autocast::clear_cache();
  autocast::set_autocast_enabled(at::kCPU, false);
  CHECK(map.scalar_type() == torch::kBFloat16);
  CHECK(y.scalar_type() == torch::kBFloat16);
  CHECK(y.strides() == map.strides());
  CHECK(of_wide.scalar_type() == torch::kFloat32);
  y.sum().backward();
  CHECK(norm.weight.grad().scalar_type() == torch::kFloat32);
  CHECK(conv.weight.grad().scalar_type() == torch::kFloat32);
}

TEST_CASE("what has no loops takes LibTorch's operators", "[group_norm]") {
  torch::manual_seed(18);
  const auto last = GENERATE(false, true);
  const auto slope = GENERATE(1.0, 0.2);
  Problem problem({2, 6, 5, 7}, torch::kFloat64, last, slope);
  const auto [out, mean, rstd] =
      ops::group_norm(problem.x, problem.weight, problem.bias, 3, 1e-5, slope);
  const auto [out_ref, mean_ref, rstd_ref] =
      ops::reference::group_norm(problem.x, problem.weight, problem.bias, 3, 1e-5, slope);
  CHECK(max_gap(out, out_ref) < 1e-13);
  CHECK(max_gap(mean, mean_ref) < 1e-13);
  CHECK(max_gap(rstd, rstd_ref) < 1e-13);
  CHECK(out_ref.strides() == problem.x.strides());
  const auto got = ops::group_norm_backward(problem.grad, problem.x, problem.weight, problem.bias,
                                            mean, rstd, 3, slope);
  const auto wanted = ops::reference::group_norm_backward(problem.grad, problem.x, problem.weight,
                                                          problem.bias, mean, rstd, 3, slope);
  CHECK(max_gap(std::get<0>(got), std::get<0>(wanted)) < 1e-12);
  CHECK(max_gap(std::get<1>(got), std::get<1>(wanted)) < 1e-12);
  CHECK(max_gap(std::get<2>(got), std::get<2>(wanted)) < 1e-12);
  // float16, for example.
  auto half = problem;
  half.x = problem.x.to(torch::kHalf);
  half.grad = problem.grad.to(torch::kHalf);
  half.weight = problem.weight.to(torch::kFloat32);
  half.bias = problem.bias.to(torch::kFloat32);
  const auto narrow = found(half, 3);
  const auto exact = expected(half, 3);
  CHECK(narrow.out.scalar_type() == torch::kHalf);
  CHECK(narrow.out.strides() == problem.x.strides());
  CHECK(max_gap(narrow.out, exact.out) < 2e-3);  // half of 2^-8, a unit of float16 near 4
  CHECK(max_gap(narrow.x, exact.x) < 2e-3);
  CHECK(max_gap(narrow.weight, exact.weight) < 1e-4);
}

TEST_CASE("what is not a number spoils its own group alone", "[group_norm]") {
  const auto dtype = GENERATE(torch::kFloat32, torch::kBFloat16);
  const auto last = GENERATE(false, true);
  const Problem problem({2, 4, 5, 5}, dtype, last, 0.2);
  problem.x[1][0][2][3] = std::nan("");
  const auto got = found(problem, 2);
  for (const auto& map : {got.out, got.x}) {
    CHECK(map[1].slice(0, 0, 2).isnan().all().item<bool>());
    CHECK_FALSE(map[0].isnan().any().item<bool>());
    CHECK_FALSE(map[1].slice(0, 2, 4).isnan().any().item<bool>());
  }
}

TEST_CASE("a map of equal values gives the bias", "[group_norm]") {
  const auto x = torch::full({1, 4, 3, 3}, 7.0);
  const auto bias = torch::tensor({1.0F, -2.0F, 3.0F, -4.0F});
  const auto y = group_norm(x, 2, torch::ones({4}), bias, 1e-6);
  CHECK(torch::equal(y, bias.view({1, 4, 1, 1}).expand({1, 4, 3, 3})));
}

TEST_CASE("an empty map gives an empty one", "[group_norm]") {
  const Shape shape = GENERATE(Shape{0, 4, 3, 3}, Shape{2, 4, 0, 3}, Shape{0, 4, 2, 2, 2});
  Problem problem(shape, torch::kFloat32, false, 0.2);
  const auto got = found(problem, 2);
  CHECK(got.out.sizes() == at::IntArrayRef(shape));
  CHECK(got.x.sizes() == at::IntArrayRef(shape));
  CHECK(torch::equal(got.weight, torch::zeros({4})));
  CHECK(torch::equal(got.bias, torch::zeros({4})));
}

TEST_CASE("what cannot be normalised is refused", "[group_norm][errors]") {
  const auto x = torch::rand({1, 8, 4, 4});
  const auto w = torch::ones({8});
  CHECK_THROWS_WITH(group_norm(x, 3, w, w, 1e-5), "groups: 3 does not divide the 8 channels");
  CHECK_THROWS_WITH(group_norm(x, 0, w, w, 1e-5), "groups: 0 does not divide the 8 channels");
  CHECK_THROWS_WITH(group_norm(x, 2, torch::ones({4}), w, 1e-5), "weight: expected [8], got [4]");
  CHECK_THROWS_WITH(group_norm(x, 2, w, torch::ones({8, 1}), 1e-5),
                    "bias: expected [8], got [8, 1]");
  CHECK_THROWS_WITH(group_norm(w, 2, w, w, 1e-5),
                    "x: expected [N, C, ...] in floating point, got 1 axes of Float");
  CHECK_THROWS_WITH(group_norm(x.to(torch::kInt64), 2, w, w, 1e-5),
                    "x: expected [N, C, ...] in floating point, got 4 axes of Long");
  CHECK_THROWS_WITH(group_norm(x, 2, w.to(torch::kMeta), w, 1e-5), "x is on cpu, weight on meta");
  CHECK_THROWS_WITH(group_norm(x, 2, w, w.to(torch::kFloat64), 1e-5),
                    "bias: expected Float as x, got Double");
  CHECK_THROWS_WITH(group_norm(x, 2, w, w, -1), "eps: expected at least 0, got -1.000000");
}

TEST_CASE("a second derivative is refused", "[group_norm][errors]") {
  const auto x = torch::rand({1, 2, 2, 2}).set_requires_grad(true);
  const auto w = torch::ones({2});
  const auto y = group_norm(x, 1, w, w, 1e-5).square().sum();
  CHECK_THROWS_WITH(torch::autograd::grad({y}, {x}, {}, true, true),
                    "group_norm has no second derivative: create_graph must be false");
}
