#include "support/catch.h"
#include "support/fill.h"
#include "support/golden.h"
#include "support/numeric.h"
#include "support/peak_memory.h"

#include "covector/networks/kan.h"

#include <torch/types.h>

using namespace covector::networks;
using covector::testing::fill_golden;
using covector::testing::golden;
using covector::testing::gradient_gap;
using covector::testing::max_gap;
using covector::testing::peak_bytes;

namespace {

using Json = nlohmann::json;

// Rows of rows ... of numbers, as they stand in a golden file.
at::Tensor tensor_of(const Json& rows) {
  if (rows.is_number()) return torch::tensor(rows.get<double>(), torch::kFloat64);
  std::vector<at::Tensor> parts;
  for (const auto& row : rows) parts.push_back(tensor_of(row));
  return torch::stack(parts);
}

}  // namespace

TEST_CASE("the knots are those of the authors", "[kan][golden]") {
  const auto file = golden("backbones/ukan.json");
  const auto knots = kan_knots(2);
  CHECK(knots.sizes() == at::IntArrayRef{2, 12});
  CHECK(knots.scalar_type() == torch::kFloat32);
  const auto wanted = tensor_of(file.at("kanlinear_unit").at("grid_row_float32_as_double"));
  for (int row = 0; row < 2; ++row) CHECK(torch::equal(knots[row].to(torch::kFloat64), wanted));
}

TEST_CASE("splines between equidistant knots worked out by hand", "[kan]") {
  // Knots 0 .. 11. At a knot 1/6, 2/3, 1/6; halfway 1/48, 23/48, 23/48, 1/48.
  const auto knots = torch::arange(12, torch::kFloat64).view({1, 12});
  const auto x = torch::tensor({4.0, 5.5, -0.1, 11.0}, torch::kFloat64).view({4, 1});
  auto wanted = torch::zeros({4, 8}, torch::kFloat64);
  wanted[0].slice(0, 1, 4).copy_(torch::tensor({1.0, 4.0, 1.0}, torch::kFloat64) / 6);
  wanted[1].slice(0, 2, 6).copy_(torch::tensor({1.0, 23.0, 23.0, 1.0}, torch::kFloat64) / 48);
  const auto found = cubic_splines(x, knots);
  REQUIRE(found.sizes() == at::IntArrayRef{4, 1, 8});
  CHECK(max_gap(found.squeeze(1), wanted) < 1e-15);
}

TEST_CASE("splines sum to one on [-1, 1)", "[kan]") {
  const auto knots = kan_knots(1).to(torch::kFloat64);
  const auto x = torch::linspace(-1, 0.999, 50, torch::kFloat64).unsqueeze(1);
  CHECK(max_gap(cubic_splines(x, knots).sum(-1), torch::ones({50, 1})) < 1e-14);
}

TEST_CASE("splines at the inner knots are the authors'", "[kan][golden]") {
  const auto wanted = tensor_of(golden("backbones/ukan.json").at("kan_collocation_matrix_6x8"));
  const auto knots = kan_knots(1).to(torch::kFloat64);
  const auto found = cubic_splines(knots.slice(1, 3, 9).t(), knots).squeeze(1);
  CHECK(max_gap(found, wanted) < 1e-7);  // made in float32
}

TEST_CASE("splines have the gradient of their formula", "[kan][gradient]") {
  torch::manual_seed(1);
  const auto knots =
      kan_knots(3).to(torch::kFloat64) + 0.03 * torch::rand({3, 12}, torch::kFloat64);
  const auto x = 5 * torch::rand({7, 3}, torch::kFloat64) - 2.5;  // beyond the knots, too
  const auto weight = torch::randn({3, 8}, torch::kFloat64);
  const auto loss = [&](const at::Tensor& at) { return (cubic_splines(at, knots) * weight).sum(); };
  CHECK(gradient_gap(loss, x) < 1e-7);
}

TEST_CASE("splines of half precision are computed in that of the knots", "[kan]") {
  const auto x = torch::rand({4, 2}).to(torch::kBFloat16).requires_grad_();
  const auto found = cubic_splines(x, kan_knots(2));
  CHECK(found.scalar_type() == torch::kFloat32);
  CHECK(torch::equal(found, cubic_splines(x.to(torch::kFloat32), kan_knots(2))));
  found.square().sum().backward();
  CHECK(x.grad().scalar_type() == torch::kBFloat16);
}

TEST_CASE("a KAN layer equals the authors'", "[kan][golden]") {
  const auto item = golden("backbones/ukan.json").at("kanlinear_unit");
  KanLinear layer(item.at("in_features"), item.at("out_features"));
  fill_golden(layer, "kanlinear.");
  const auto x = tensor_of(item.at("input_float32_as_double"));
  for (const auto dtype : {torch::kFloat64, torch::kFloat32}) {
    layer.to(dtype);
    const auto tolerance = dtype == torch::kFloat64 ? 1e-9 : 1e-6;
    CHECK(max_gap(cubic_splines(x.to(dtype), layer.grid), tensor_of(item.at("bases"))) < tolerance);
    CHECK(max_gap(layer.forward(x.to(dtype)), tensor_of(item.at("output"))) < tolerance);
  }
}

TEST_CASE("a KAN layer takes any number of axes before the features", "[kan]") {
  const KanLinear layer(3, 2);
  const auto x = torch::randn({2, 4, 5, 3});
  const auto rows = layer.forward(x.view({40, 3})).view({2, 4, 5, 2});
  CHECK(max_gap(layer.forward(x), rows) < 1e-6);
}

TEST_CASE("a KAN layer keeps its SiLU and its splines, and nothing of the recursion", "[kan]") {
  const KanLinear layer(8, 8);
  const auto x = torch::randn({4096, 8});
  const auto peak = [&](int layers) {
    return static_cast<double>(peak_bytes([&] {
      auto y = x;
      for (int i = 0; i < layers; ++i) y = layer.forward(y);
    }));
  };
  // In sizes of x: 1 the SiLU, 8 the splines, 1 the output, and 1/64 the scaled weights.
  const auto kept = (peak(5) - peak(3)) / 2 / static_cast<double>(x.nbytes());
  CHECK(kept == Approx(10).epsilon(0.01));
}

TEST_CASE("a KAN layer starts as the authors' does", "[kan][golden]") {
  const auto item = golden("backbones/ukan.json").at("kanlinear_init_160x160_seed1");
  torch::manual_seed(2);
  const KanLinear layer(160, 160);
  const auto bound = item.at("kaiming_uniform_bound_1_over_sqrt_fan_in").get<double>();
  for (const auto& weight : {layer.base_weight, layer.spline_scaler}) {
    CHECK(weight.abs().max().item<double>() <= bound);
    CHECK(weight.abs().max().item<double>() > 0.99 * bound);
    CHECK(weight.mean().item<double>() == Approx(0).margin(1e-3));
  }
  // 204,800 and, a spline, 25,600 numbers: deviations known to some 0.3 and 0.7 %.
  const auto& splines = layer.spline_weight;
  CHECK(splines.std().item<double>() ==
        Approx(item.at("spline_weight_std").get<double>()).epsilon(0.01));
  const auto deviations = splines.std(at::IntArrayRef{0, 1});
  for (int i = 0; i < 8; ++i)
    CHECK(deviations[i].item<double>() ==
          Approx(item.at("spline_weight_std_per_coeff").at(i).get<double>()).epsilon(0.02));
  CHECK(splines.abs().max().item<double>() ==
        Approx(item.at("spline_weight_absmax").get<double>()).epsilon(0.1));
}
