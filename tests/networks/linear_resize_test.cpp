#include "support/catch.h"
#include "support/cuda.h"
#include "support/numeric.h"

#include "covector/networks/blocks.h"
#include "ops/linear_resize.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

using namespace covector::networks;
using covector::testing::gradient_gap;
using covector::testing::max_gap;

namespace {

using Shape = std::vector<std::int64_t>;

struct Sizes {
  Shape shape;
  Shape to;
};

// Twice and more as fine, as fine, coarser, by no whole number; sides of one; channels and rows
// below, at and beyond a register.
const Sizes kSizes[] = {
    {{2, 3, 5, 7}, {10, 14}},     {{1, 16, 4, 6}, {8, 12}},     {{2, 17, 3, 2}, {12, 8}},
    {{1, 1, 9, 33}, {9, 33}},     {{1, 2, 6, 35}, {4, 20}},     {{2, 5, 1, 3}, {4, 1}},
    {{1, 33, 1, 1}, {3, 2}},      {{2, 3, 2, 3, 4}, {4, 6, 8}}, {{1, 16, 3, 2, 5}, {12, 8, 20}},
    {{1, 5, 4, 1, 3}, {3, 1, 7}},
};

at::MemoryFormat channels_last(const at::Tensor& x) {
  return x.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::ChannelsLast3d;
}

// LibTorch's, in float64 and contiguous.
at::Tensor expected(const at::Tensor& x, at::IntArrayRef to, bool align_corners) {
  return ops::reference::linear_resize(x.to(torch::kFloat64).contiguous(), to, align_corners);
}
at::Tensor expected_backward(const at::Tensor& grad, at::IntArrayRef from, bool align_corners) {
  return ops::reference::linear_resize_backward(grad.to(torch::kFloat64).contiguous(), from,
                                                align_corners);
}

// Largest difference beyond what rounding to 16 bits, by 2^-8 at most, explains.
double gap(const at::Tensor& got, const at::Tensor& wanted) {
  auto difference = (got.to(torch::kFloat64) - wanted).abs();
  if (got.scalar_type() == torch::kBFloat16)
    difference = (difference - wanted.abs() / 256).clamp_min(0);
  return difference.max().item<double>();
}

// The operators on a device against LibTorch's on the CPU.
void check_against_expected(const Sizes& sizes, at::ScalarType dtype, bool last, bool align_corners,
                            at::DeviceType device) {
  const auto& [shape, to] = sizes;
  const auto tolerance = dtype == torch::kFloat64 ? 1e-13 : 1e-5;
  INFO(at::IntArrayRef(shape) << " to " << at::IntArrayRef(to) << ' ' << dtype
                              << (last ? " channels last" : " contiguous") << ' ' << align_corners);
  const auto drawn = [&](at::IntArrayRef size) {
    const auto map = torch::randn(size, torch::kFloat64).to(dtype);
    return last ? map.clone(channels_last(map)) : map;
  };
  const auto x = drawn(shape);
  const auto y = ops::linear_resize(x.to(device), to, align_corners);
  const auto wanted = expected(x, to, align_corners);
  CHECK(y.scalar_type() == dtype);
  REQUIRE(y.sizes() == wanted.sizes());
  CHECK(y.is_contiguous(last && shape[1] > 1 ? channels_last(x) : at::MemoryFormat::Contiguous));
  CHECK(gap(y.to(torch::kCPU), wanted) < tolerance);
  const auto grad = drawn(wanted.sizes());
  const auto from = x.sizes().slice(2);
  const auto back = ops::linear_resize_backward(grad.to(device), from, align_corners);
  REQUIRE(back.sizes() == x.sizes());
  CHECK(gap(back.to(torch::kCPU), expected_backward(grad, from, align_corners)) < 10 * tolerance);
}

}  // namespace

TEST_CASE("linear interpolation equals LibTorch's in float64, both ways", "[linear_resize]") {
  torch::manual_seed(21);
  const auto dtype = GENERATE(torch::kFloat64, torch::kFloat32, torch::kBFloat16);
  const auto last = GENERATE(false, true);
  const auto align_corners = GENERATE(false, true);
  for (const auto& sizes : kSizes)
    check_against_expected(sizes, dtype, last, align_corners, torch::kCPU);
}

TEST_CASE("linear interpolation on a GPU equals LibTorch's in float64", "[linear_resize][cuda]") {
  if (!covector::testing::has_gpu()) {
    WARN("skipped: there is no GPU");
    return;
  }
  torch::manual_seed(21);
  const auto dtype = GENERATE(torch::kFloat64, torch::kFloat32, torch::kBFloat16);
  const auto last = GENERATE(false, true);
  const auto align_corners = GENERATE(false, true);
  for (const auto& sizes : kSizes)
    check_against_expected(sizes, dtype, last, align_corners, torch::kCUDA);
}

TEST_CASE("a few channels of a channels-last map are interpolated where they lie",
          "[linear_resize]") {
  torch::manual_seed(22);
  const auto deep = GENERATE(false, true);
  const Shape shape = deep ? Shape{2, 24, 4, 6, 2} : Shape{2, 24, 4, 6};
  const Shape to = deep ? Shape{2, 3, 1} : Shape{2, 3};
  const auto map = torch::randn(shape, torch::kFloat64);
  const auto part = map.contiguous(channels_last(map)).narrow(1, 5, 17);
  REQUIRE_FALSE(part.is_contiguous(channels_last(map)));
  const auto back = ops::linear_resize_backward(part, to, false);
  CHECK(back.is_contiguous(channels_last(map)));
  CHECK(max_gap(back, expected_backward(part, to, false)) < 1e-13);
  // Of a contiguous map, and with any other strides.
  CHECK(max_gap(ops::linear_resize_backward(map.narrow(1, 5, 17), to, false), back) < 1e-13);
  const auto turned = map.transpose(2, 3).contiguous().transpose(2, 3);
  CHECK(max_gap(ops::linear_resize(turned, to, true), expected(map, to, true)) < 1e-13);
  const auto even = torch::ones({1, 1, 1, 1}, torch::kFloat64).expand({2, 3, 4, 6});
  CHECK(max_gap(ops::linear_resize(even, {8, 12}, true), torch::ones({2, 3, 8, 12})) < 1e-15);
}

TEST_CASE("linear interpolation has the gradient of its formula, and a second one",
          "[linear_resize][gradient]") {
  torch::manual_seed(23);
  const auto align_corners = GENERATE(false, true);
  const auto x = torch::randn({1, 2, 3, 4}, torch::kFloat64);
  const auto weight = torch::randn({1, 2, 6, 8}, torch::kFloat64);
  const auto value = [&](const at::Tensor& t) {
    return (upsample_linear(t, 2, align_corners).square() * weight).sum();
  };
  CHECK(gradient_gap(value, x) < 1e-7);
  const auto slope = [&](const at::Tensor& t) {
    auto leaf = t.requires_grad() ? t : t.detach().clone().set_requires_grad(true);
    const at::AutoGradMode on(true);
    return torch::autograd::grad({value(leaf)}, {leaf}, {}, true, true)[0].square().sum();
  };
  CHECK(gradient_gap(slope, x) < 1e-6);
}

TEST_CASE("interpolation does not depend on the number of threads", "[linear_resize]") {
  const auto x = torch::randn({2, 24, 40, 41}).contiguous(at::MemoryFormat::ChannelsLast);
  const auto before = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = ops::linear_resize(x, {80, 82}, false);
  const auto one_back = ops::linear_resize_backward(one, {40, 41}, false);
  at::set_num_threads(3);
  CHECK(torch::equal(one, ops::linear_resize(x, {80, 82}, false)));
  CHECK(torch::equal(one_back, ops::linear_resize_backward(one, {40, 41}, false)));
  at::set_num_threads(before);
}

TEST_CASE("what has no loops for interpolation takes LibTorch's operator", "[linear_resize]") {
  const auto x = torch::randn({1, 2, 3, 3}).to(torch::kHalf);
  const auto y = ops::linear_resize(x, {6, 6}, false);
  CHECK(y.scalar_type() == torch::kHalf);
  CHECK(max_gap(y, expected(x, {6, 6}, false)) < 2e-3);  // a unit of float16 near 2
  CHECK(ops::linear_resize(torch::zeros({0, 2, 3, 3}), {6, 6}, false).sizes() ==
        at::IntArrayRef({0, 2, 6, 6}));
}
