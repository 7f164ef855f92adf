#include "support/catch.h"
#include "support/numeric.h"

#include "covector/networks/registration.h"

#include <torch/types.h>

#include <cmath>
#include <vector>

using namespace covector::networks;
using covector::testing::gradient_gap;
using covector::testing::max_gap;

namespace {

std::int64_t count_of(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

std::vector<std::int64_t> shape_of(std::int64_t d, std::int64_t channels) {
  return d == 2 ? std::vector<std::int64_t>{2, channels, 4, 6}
                : std::vector<std::int64_t>{2, channels, 4, 6, 3};
}

}  // namespace

TEST_CASE("weights of variance 2 / fan_in, and uniform ones of a sixth of that", "[blocks]") {
  torch::manual_seed(1);
  const Conv normal(2, 32, 64, 3, ConvStart::normal);
  CHECK(normal.weight.std().item<double>() == Approx(std::sqrt(2.0 / 288)).epsilon(0.03));
  const Conv uniform(2, 32, 64, 3);
  CHECK(uniform.weight.std().item<double>() == Approx(std::sqrt(1.0 / 3 / 288)).epsilon(0.03));
  CHECK(normal.bias.abs().max().item<double>() <= 1 / std::sqrt(288.0));
  const auto first = [](const DoubleConv& block) {
    return block.named_parameters()["double_conv.0.weight"].std().item<double>();
  };
  CHECK(first(DoubleConv(2, 32, 64)) == Approx(std::sqrt(2.0 / 288)).epsilon(0.03));
  CHECK(first(DoubleConv(2, 32, 64, ConvStart::uniform)) ==
        Approx(std::sqrt(1.0 / 3 / 288)).epsilon(0.03));
}

TEST_CASE("a block is convolution, normalisation, leaky rectification", "[blocks]") {
  torch::manual_seed(2);
  for (const std::int64_t d : {2, 3})
    for (const std::int64_t out : {16, 12}) {  // two groups of eight, and one group
      ConvBlock block(d, 3, out);
      block.to(torch::kFloat64);
      const auto x = torch::randn(shape_of(d, 3), torch::kFloat64);
      const auto parameters = block.named_parameters();
      const auto y = d == 2
                         ? at::conv2d(x, parameters["conv.weight"], parameters["conv.bias"], 1, 1)
                         : at::conv3d(x, parameters["conv.weight"], parameters["conv.bias"], 1, 1);
      const auto groups = y.view({2, out == 16 ? 2 : 1, -1});
      const auto normal =
          ((groups - groups.mean(2, true)) / (groups.var(2, false, true) + 1e-5).sqrt()).view_as(y);
      CHECK(max_gap(block.forward(x), torch::where(normal > 0, normal, 0.2 * normal)) < 1e-12);
      CHECK(gradient_gap([&](const at::Tensor& in) { return block.forward(in).square().sum(); },
                         x) < 1e-6);
    }
}

TEST_CASE("the restoration head has as many parameters as the authors'", "[blocks]") {
  CHECK(count_of(RestorationHead(2, 32, 1)) == 4'673);
  CHECK(count_of(RestorationHead(3, 32, 1)) == 13'889);
  torch::manual_seed(3);
  for (const std::int64_t d : {2, 3}) {
    RestorationHead head(d, 5, 3);
    CHECK(head.forward(torch::randn(shape_of(d, 5))).sizes() == at::IntArrayRef(shape_of(d, 3)));
    // 4 of 16 channels a group: scaling one group's convolutions leaves what is restored as it is.
    head.to(torch::kFloat64);
    const auto x = torch::randn(shape_of(d, 5), torch::kFloat64);
    const auto before = head.forward(x).detach();
    const torch::NoGradGuard no_grad;
    auto parameters = head.named_parameters();
    for (const auto* name : {"hidden.conv.weight", "hidden.conv.bias"})
      parameters[name].slice(0, 4, 8).mul_(100);
    CHECK(max_gap(head.forward(x), before) < 1e-3);
    for (const auto* name : {"hidden.conv.weight", "hidden.conv.bias"})
      parameters[name].slice(0, 8, 10).mul_(100);
    CHECK(max_gap(head.forward(x), before) > 0.01);
  }
}

TEST_CASE("the end of a deformer has a component an axis and may start at rest", "[blocks]") {
  torch::manual_seed(4);
  for (const std::int64_t d : {2, 3}) {
    const auto x = torch::randn(shape_of(d, 16));
    const auto rest = flow_conv(d, 16, true);
    CHECK(rest->forward(x).sizes() == at::IntArrayRef(shape_of(d, d)));
    CHECK(rest->weight.std().item<double>() == Approx(1e-5).epsilon(0.2));
    CHECK(rest->bias.abs().max().item<double>() == 0);
    const auto fan_in = static_cast<double>(rest->fan_in());
    CHECK(flow_conv(d, 16, false, ConvStart::normal)->weight.std().item<double>() ==
          Approx(std::sqrt(2 / fan_in)).epsilon(0.2));
    CHECK(flow_conv(d, 16, false)->weight.abs().max().item<double>() <= 1 / std::sqrt(fan_in));
  }
}
