#include "support/catch.h"
#include "support/cuda.h"
#include "support/numeric.h"

#include "covector/core/spatial_map.h"
#include "ops/warp.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <limits>

using namespace covector;
using covector::testing::gradient_gap;
using covector::testing::max_gap;
using ops::Reading;

namespace {

using Shape = std::vector<std::int64_t>;

struct Sizes {
  Shape image;
  Shape to;  // the grid of the positions
};

// Odd sides; sides of one; channels below, at and beyond a register; more positions than a tile.
const Sizes kSizes[] = {
    {{2, 3, 5, 7}, {5, 7}},       {{1, 1, 6, 1}, {4, 3}},          {{2, 17, 3, 4}, {9, 31}},
    {{1, 16, 12, 11}, {12, 11}},  {{1, 33, 1, 9}, {2, 2}},         {{3, 2, 70, 3}, {70, 3}},
    {{2, 3, 3, 4, 5}, {3, 4, 5}}, {{1, 18, 2, 1, 6}, {3, 7, 11}},  {{1, 1, 4, 5, 2}, {1, 1, 1}},
    {{1, 2, 1, 1, 1}, {2, 2, 2}}, {{2, 16, 4, 3, 130}, {1, 1, 4}},
};

at::MemoryFormat channels_last(const at::Tensor& x) {
  return x.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::ChannelsLast3d;
}

struct Problem {
  at::Tensor image, positions, grad;
  Reading reading;

  // Positions from two voxels before the first to two behind the last, in sixteenths and a half,
  // which no rounding carries over a voxel's centre or the middle between two.
  Problem(const Sizes& sizes, at::ScalarType dtype, bool last, const Reading& how) : reading(how) {
    image = torch::randn(sizes.image, torch::kFloat64).to(dtype);
    Shape shape{image.size(0), image.dim() - 2};
    shape.insert(shape.end(), sizes.to.begin(), sizes.to.end());
    positions = torch::empty(shape, torch::kFloat64);
    for (std::int64_t axis = 0; axis < image.dim() - 2; ++axis) {
      auto along = positions.select(1, axis);
      const auto side = image.size(axis + 2);
      along.copy_(torch::randint(-32, 16 * side + 16, along.sizes()));
    }
    positions = (positions + 0.5) / 16;
    if (reading.displaced) positions = positions - voxel_grid(sizes.to, torch::kFloat64);
    positions = positions.to(dtype == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32);
    shape[1] = image.size(1);
    grad = torch::randn(shape, torch::kFloat64).to(dtype);
    if (last) image = image.contiguous(channels_last(image));
    if (last) grad = grad.contiguous(channels_last(grad));
  }
  Problem wide() const {
    auto other = *this;
    for (auto* tensor : {&other.image, &other.positions, &other.grad})
      *tensor = tensor->to(torch::kCPU, torch::kFloat64).contiguous();
    return other;
  }
};

// Largest difference beyond what rounding to 16 bits, by 2^-8 at most, explains.
double gap(const at::Tensor& got, const at::Tensor& wanted) {
  auto difference = (got.to(torch::kCPU, torch::kFloat64) - wanted).abs();
  if (got.scalar_type() == torch::kBFloat16)
    difference = (difference - wanted.abs() / 256).clamp_min(0);
  return difference.max().item<double>();
}

// Against LibTorch's grid_sample in float64 on the CPU. In the released convention a position is
// stretched, so that it may come to lie on a kink, where the two may take different sides: no
// gradient there.
void check_against_reference(const Problem& problem, double tolerance) {
  const auto exact = problem.wide();
  const auto& reading = problem.reading;
  const auto wanted = ops::reference::warp(exact.image, exact.positions, reading);
  const auto got = ops::warp(problem.image, problem.positions, reading);
  CHECK(got.scalar_type() == problem.image.scalar_type());
  REQUIRE(got.sizes() == wanted.sizes());
  // An image of one voxel counts as contiguous, and few channels are made so.
  const bool last = !problem.image.is_contiguous() && problem.image.size(1) >= 8;
  CHECK(got.is_contiguous(last ? channels_last(got) : at::MemoryFormat::Contiguous));
  CHECK(gap(got, wanted) < tolerance);

  const auto image =
      ops::warp_image_gradient(problem.grad, problem.image, problem.positions, reading);
  const auto image_wanted =
      ops::reference::warp_image_gradient(exact.grad, exact.image, exact.positions, reading);
  CHECK(image.scalar_type() == problem.image.scalar_type());
  CHECK(gap(image, image_wanted) < 10 * tolerance);
  CHECK(max_gap(ops::reference::warp_image_gradient_in_order(exact.grad, exact.image,
                                                             exact.positions, reading),
                image_wanted) < 1e-12);
  if (reading.interpolation == Interpolation::nearest) return;

  const auto positions =
      ops::warp_position_gradient(problem.grad, problem.image, problem.positions, reading);
  const auto positions_wanted =
      ops::reference::warp_position_gradient(exact.grad, exact.image, exact.positions, reading);
  CHECK(positions.scalar_type() == problem.positions.scalar_type());
  CHECK(gap(positions, positions_wanted) <
        10 * tolerance * (1 + positions_wanted.abs().max().item<double>()));
}

}  // namespace

TEST_CASE("reading an image equals LibTorch's grid_sample in float64", "[warp]") {
  torch::manual_seed(31);
  const auto dtype = GENERATE(torch::kFloat64, torch::kFloat32, torch::kBFloat16);
  const auto last = GENERATE(false, true);
  const auto displaced = GENERATE(false, true);
  const auto interpolation = GENERATE(Interpolation::linear, Interpolation::nearest);
  const auto convention = GENERATE(GridConvention::paper, GridConvention::released);
  for (const auto& sizes : kSizes) {
    INFO(at::IntArrayRef(sizes.image)
         << " at " << at::IntArrayRef(sizes.to) << ' ' << dtype << (last ? " channels last" : "")
         << (displaced ? " displaced" : "")
         << (interpolation == Interpolation::nearest ? " nearest" : " linear")
         << (convention == GridConvention::paper ? " paper" : " released"));
    check_against_reference(Problem(sizes, dtype, last, {displaced, interpolation, convention}),
                            dtype == torch::kFloat64 ? 1e-12 : 2e-5);
  }
}

TEST_CASE("positions outside read zero, those at the edge a part", "[warp]") {
  const auto image = torch::tensor({2.0, 4.0, 8.0}).view({1, 1, 1, 3});
  const auto inf = std::numeric_limits<double>::infinity();
  // Half of the first and last voxel; a whole voxel away nothing, nor anywhere farther.
  const auto x = torch::tensor({-0.5, 2.5, -1.0, 3.0, -7.25, 1e30, -1e30, inf, -inf, 1.25});
  const auto wanted = torch::tensor({1.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 5.0});
  const auto row = x.view({1, 1, 1, -1}).to(torch::kFloat32);
  const auto at = torch::cat({torch::zeros_like(row), row}, 1);
  const auto last = GENERATE(false, true);
  const auto maps =
      last ? image.expand({1, 16, 1, 3}).contiguous(at::MemoryFormat::ChannelsLast) : image;
  const auto read = sample_at(maps, at);
  CHECK(torch::equal(read[0][0][0], wanted));
  CHECK(torch::equal(sample_at(maps, at, Interpolation::nearest)[0][0][0],
                     torch::tensor({2.0, 8.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0})));
}

TEST_CASE("a side of one voxel is left like any other", "[warp]") {
  const auto image = torch::tensor({1.0, 3.0}, torch::kFloat64).view({1, 1, 1, 2});
  const auto convention = GENERATE(GridConvention::paper, GridConvention::released);
  const auto at =
      torch::tensor({0.0, 0.25, -0.5, 1.0, 0.0, 0.0, 0.0, 0.0}, torch::kFloat64).view({1, 2, 1, 4});
  const auto first = convention == GridConvention::paper ? 1.0 : 0.5;  // released: at -1/2
  const auto wanted = first * torch::tensor({1.0, 0.75, 0.5, 0.0}, torch::kFloat64);
  CHECK(torch::equal(sample_at(image, at, Interpolation::linear, convention).flatten(), wanted));
  const Reading reading{false, Interpolation::linear, convention};
  CHECK(max_gap(ops::reference::warp(image, at, reading).flatten(), wanted) < 1e-15);
}

TEST_CASE("what is not finite stays where it is read", "[warp]") {
  const auto last = GENERATE(false, true);
  auto image = torch::ones({1, 16, 3, 3});
  if (last) image = image.contiguous(at::MemoryFormat::ChannelsLast);
  image.select(2, 0).select(2, 0).fill_(std::nan(""));
  // Of the first voxel, of the next one alone, between both, and outside.
  const auto x = torch::tensor({0.0F, 1.0F, 0.5F, -4.0F}).view({1, 1, 1, 4});
  const auto read = sample_at(image, torch::cat({torch::zeros_like(x), x}, 1))[0][3][0];
  CHECK(std::isnan(read[0].item<float>()));
  CHECK(read[1].item<float>() == 1.0F);
  CHECK(std::isnan(read[2].item<float>()));
  CHECK(read[3].item<float>() == 0.0F);
  const auto nowhere = torch::full({1, 2, 1, 1}, std::nan(""));
  CHECK(sample_at(torch::ones({1, 2, 3, 3}), nowhere).isnan().all().item<bool>());
}

TEST_CASE("positions have the gradients of the formula", "[warp][gradient]") {
  torch::manual_seed(32);
  const auto convention = GENERATE(GridConvention::paper, GridConvention::released);
  const auto last = GENERATE(false, true);
  const Shape shape = GENERATE(Shape{2, 3, 4, 3}, Shape{1, 2, 3, 2, 4});
  const Sizes sizes{shape, Shape(shape.begin() + 2, shape.end())};
  const Problem problem(sizes, torch::kFloat64, last, {true, Interpolation::linear, convention});
  CHECK(gradient_gap(
            [&](const at::Tensor& x) {
              const auto map = last ? x.contiguous(channels_last(x)) : x;
              return (warp(map, problem.positions, convention) * problem.grad).sum();
            },
            problem.image.contiguous()) < 1e-8);
  CHECK(gradient_gap(
            [&](const at::Tensor& u) {
              return (warp(problem.image, u, convention) * problem.grad).sum();
            },
            problem.positions) < 1e-7);
}

TEST_CASE("the nearest voxel does not change with the position", "[warp][gradient]") {
  const auto image = torch::rand({1, 2, 4, 4}).set_requires_grad(true);
  const auto at = (voxel_grid({4, 4}, torch::kFloat32) + 0.25F).set_requires_grad(true);
  const auto read = sample_at(image, at, Interpolation::nearest);
  CHECK(torch::equal(read, image));
  read.sum().backward();
  CHECK(torch::equal(at.grad(), torch::zeros_like(at)));
  CHECK(torch::equal(image.grad(), torch::ones_like(image)));
}

TEST_CASE("gradients of a warp repeat bit for bit at any number of threads", "[warp]") {
  torch::manual_seed(33);
  const auto last = GENERATE(false, true);
  const auto dtype = GENERATE(torch::kFloat32, torch::kBFloat16);
  const Problem problem({{2, 37, 40, 41}, {60, 50}}, dtype, last, {});
  const auto before = at::get_num_threads();
  const auto all = [&] {
    return std::vector{
        ops::warp(problem.image, problem.positions, problem.reading),
        ops::warp_image_gradient(problem.grad, problem.image, problem.positions, problem.reading),
        ops::warp_position_gradient(problem.grad, problem.image, problem.positions,
                                    problem.reading)};
  };
  at::set_num_threads(1);
  const auto one = all();
  for (const int threads : {2, 3, 7}) {
    at::set_num_threads(threads);
    const auto more = all();
    for (std::size_t i = 0; i < one.size(); ++i) CHECK(torch::equal(one[i], more[i]));
  }
  at::set_num_threads(before);
}

TEST_CASE("bfloat16 images are read in float32, at positions of any dtype", "[warp]") {
  torch::manual_seed(34);
  const Problem problem({{1, 6, 9, 300}, {9, 300}}, torch::kBFloat16, false, {true});
  const auto wanted = warp(problem.image.to(torch::kFloat32), problem.positions);
  const auto got = warp(problem.image, problem.positions);
  CHECK(got.scalar_type() == torch::kBFloat16);
  CHECK(torch::equal(got, wanted.to(torch::kBFloat16)));
  // A voxel's index of 299 has no room in bfloat16; a small displacement has.
  const auto half = torch::full_like(problem.positions, 0.5);
  CHECK(torch::equal(warp(problem.image, half.to(torch::kBFloat16)), warp(problem.image, half)));
  auto field = half.to(torch::kBFloat16).set_requires_grad(true);
  warp(problem.image, field).sum().backward();
  CHECK(field.grad().scalar_type() == torch::kBFloat16);
}

TEST_CASE("any strides of image, positions and gradient will do", "[warp]") {
  torch::manual_seed(35);
  const Problem problem({{2, 4, 6, 5}, {6, 5}}, torch::kFloat64, false, {true});
  const auto strided = [](const at::Tensor& t) {
    return t.transpose(2, 3).contiguous().transpose(2, 3);
  };
  const auto all = [&](const at::Tensor& x, const at::Tensor& u, const at::Tensor& g) {
    return std::vector{ops::warp(x, u, problem.reading),
                       ops::warp_image_gradient(g, x, u, problem.reading),
                       ops::warp_position_gradient(g, x, u, problem.reading)};
  };
  const auto wanted = all(problem.image, problem.positions, problem.grad);
  const auto got = all(strided(problem.image), strided(problem.positions), strided(problem.grad));
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(torch::equal(got[i], wanted[i]));
}

TEST_CASE("what has no loops for reading takes LibTorch's operator", "[warp]") {
  torch::manual_seed(36);
  Problem problem({{1, 2, 4, 5}, {4, 5}}, torch::kHalf, false, {true});
  const auto exact = problem.wide();
  CHECK(max_gap(warp(problem.image, problem.positions),
                ops::reference::warp(exact.image, exact.positions, problem.reading)) < 2e-3);
  CHECK(warp(torch::zeros({0, 2, 3, 3}), torch::zeros({0, 2, 3, 3})).sizes() ==
        at::IntArrayRef({0, 2, 3, 3}));
}

TEST_CASE("on a GPU the same is read", "[warp][cuda]") {
  if (!covector::testing::has_gpu()) {
    WARN("skipped: there is no GPU");
    return;
  }
  torch::manual_seed(37);
  const auto dtype = GENERATE(torch::kFloat64, torch::kFloat32, torch::kBFloat16);
  const auto deterministic = GENERATE(false, true);
  at::globalContext().setDeterministicAlgorithms(deterministic, false);
  for (const auto& sizes : kSizes)
    for (const bool last : {false, true})
      for (const auto interpolation : {Interpolation::linear, Interpolation::nearest})
        for (const auto convention : {GridConvention::paper, GridConvention::released}) {
          Problem problem(sizes, dtype, last, {last, interpolation, convention});
          for (auto* tensor : {&problem.image, &problem.positions, &problem.grad})
            *tensor = tensor->to(torch::kCUDA);
          check_against_reference(problem, dtype == torch::kFloat64 ? 1e-12 : 2e-5);
        }
  at::globalContext().setDeterministicAlgorithms(false, false);
}

TEST_CASE("what cannot be read is refused", "[warp][errors]") {
  const auto image = torch::rand({1, 2, 4, 4});
  const auto at = torch::zeros({1, 2, 4, 4});
  CHECK_THROWS_WITH(sample_at(image[0], at), "image: expected [N, C, H, W] or [N, C, D, H, W]");
  CHECK_THROWS_WITH(sample_at(image, torch::zeros({1, 3, 4, 4})),
                    "coordinates: expected [1, 2, ...]");
  CHECK_THROWS_WITH(warp(image, torch::zeros({2, 2, 4, 4})), "displacement: expected [1, 2, ...]");
  CHECK_THROWS_WITH(sample_at(image.to(torch::kInt64), at),
                    "image and coordinates: expected floating point");
  CHECK_THROWS_WITH(warp(image, at.to(torch::kInt64)),
                    "image and displacement: expected floating point");
  CHECK_THROWS_WITH(warp(image, at.to(torch::kMeta)), "image is on cpu, displacement on meta");
}

TEST_CASE("a second derivative of a warp is refused", "[warp][errors]") {
  const auto image = torch::rand({1, 2, 4, 4}).set_requires_grad(true);
  const auto read = warp(image, torch::zeros({1, 2, 4, 4})).square().sum();
  CHECK_THROWS_WITH(torch::autograd::grad({read}, {image}, {}, true, true),
                    "warp has no second derivative: create_graph must be false");
}
