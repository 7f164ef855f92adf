// Times group normalisation with LeakyReLU beside LibTorch's, forward and backward, the two taking
// turns, and checks both against LibTorch's in float64. See README.md.
#include "covector/networks/group_norm.h"

#include <ATen/Parallel.h>
#include <malloc.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

constexpr double kEps = 1e-5;
constexpr double kSlope = 0.2;
constexpr std::int64_t kChannelsPerGroup = 8;

// Maps of the default U-Net's finest and coarsest scales at 4 x 192^2 and of its finest in 3D.
const std::vector<std::int64_t> kShapes[] = {
    {4, 32, 192, 192}, {4, 128, 48, 48}, {4, 512, 12, 12}, {1, 32, 64, 64, 64}};

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::time_point from) {
  return std::chrono::duration<double, std::milli>(Clock::now() - from).count();
}

double quantile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1) + 0.5)];
}

struct Case {
  at::Tensor x, weight, bias, grad;

  Case(const std::vector<std::int64_t>& shape, at::ScalarType dtype, bool channels_last) {
    const auto layout = !channels_last      ? at::MemoryFormat::Contiguous
                        : shape.size() == 4 ? at::MemoryFormat::ChannelsLast
                                            : at::MemoryFormat::ChannelsLast3d;
    x = torch::randn(shape).to(dtype).contiguous(layout);
    grad = torch::randn(shape).to(dtype).contiguous(layout);
    weight = torch::rand({shape[1]}) + 0.5;
    bias = torch::randn({shape[1]});
    // Where the activation's slope hangs on a rounding, no gradient.
    const auto c = wide();
    const auto y =
        at::group_norm(c.x, shape[1] / kChannelsPerGroup, c.weight, c.bias, kEps).detach();
    grad.masked_fill_(y.abs() < 1e-3, 0);
    for (auto* tensor : {&x, &weight, &bias}) tensor->set_requires_grad(true);
  }
  Case wide() const {
    Case other(*this);
    const auto wider = [](const at::Tensor& t) {
      return t.detach().to(torch::kFloat64).contiguous().set_requires_grad(true);
    };
    for (auto* tensor : {&other.x, &other.weight, &other.bias}) *tensor = wider(*tensor);
    other.grad = grad.to(torch::kFloat64).contiguous();
    return other;
  }
};

at::Tensor theirs(const Case& c) {
  auto y = at::group_norm(c.x, c.x.size(1) / kChannelsPerGroup, c.weight, c.bias, kEps);
  at::leaky_relu_(y, kSlope);
  return y;
}

at::Tensor ours(const Case& c) {
  return covector::networks::group_norm(c.x, c.x.size(1) / kChannelsPerGroup, c.weight, c.bias,
                                        kEps, kSlope);
}

struct Side {
  at::Tensor (*norm)(const Case&);
  std::vector<double> forward, backward;

  void run(const Case& c) {
    c.x.mutable_grad() = at::Tensor();
    auto start = Clock::now();
    const auto y = norm(c);
    forward.push_back(milliseconds(start));
    start = Clock::now();
    y.backward(c.grad);
    backward.push_back(milliseconds(start));
  }
  double total() const { return quantile(forward, 0.5) + quantile(backward, 0.5); }
};

// Largest difference of result and gradient from float64, in units of what the dtype rounds a
// number near 4 by.
double error(at::Tensor (*norm)(const Case&), const Case& c) {
  const auto exact = c.wide();
  const auto wanted = theirs(exact);
  wanted.backward(exact.grad);
  c.x.mutable_grad() = at::Tensor();
  const auto y = norm(c);
  y.backward(c.grad);
  const auto unit = c.x.scalar_type() == torch::kBFloat16 ? 0x1p-6 : 0x1p-21;
  const auto away = [&](const at::Tensor& a, const at::Tensor& b) {
    return (a.detach().to(torch::kFloat64) - b.detach()).abs().max().item<double>() / unit;
  };
  return std::max(away(y, wanted), away(c.x.grad(), exact.x.grad()));
}

int number(int argc, char** argv, const std::string& name, int value) {
  for (int i = 1; i + 1 < argc; i += 2)
    if (argv[i] == "--" + name) value = std::stoi(argv[i + 1]);
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  mallopt(M_MMAP_MAX, 0);  // as the program does
  mallopt(M_TRIM_THRESHOLD, -1);
  at::set_num_threads(number(argc, argv, "threads", 2));
  const auto rounds = number(argc, argv, "rounds", 15);
  torch::manual_seed(0);
  bool right = true;
  std::puts(
      "| map | dtype | layout | LibTorch: forward, backward ms | covector | ratio | errors |\n"
      "|---|---|---|---|---|---|---|");
  for (const auto& shape : kShapes)
    for (const auto dtype : {torch::kFloat32, torch::kBFloat16})
      for (const bool last : {false, true}) {
        const Case c(shape, dtype, last);
        const auto wrong = error(&ours, c);
        right = right && wrong < 4;
        Side libtorch{&theirs, {}, {}};
        Side covector{&ours, {}, {}};
        for (int i = 0; i < rounds; ++i)
          for (auto* side : {&libtorch, &covector}) side->run(c);
        std::ostringstream name;
        name << at::IntArrayRef(shape) << " | " << dtype
             << (last ? " | channels last" : " | contiguous");
        std::printf("| %s | %.2f, %.2f | %.2f, %.2f | %.2f | %.1f, %.1f |\n", name.str().c_str(),
                    quantile(libtorch.forward, 0.5), quantile(libtorch.backward, 0.5),
                    quantile(covector.forward, 0.5), quantile(covector.backward, 0.5),
                    libtorch.total() / covector.total(), error(&theirs, c), wrong);
      }
  if (!right) std::cerr << "group_norm_benchmark: covector's result is wrong\n";
  return right ? 0 : 1;
}
