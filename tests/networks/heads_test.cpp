#include "support/catch.h"
#include "support/numeric.h"

#include "covector/core/error.h"
#include "covector/networks/heads.h"

#include <torch/nn/modules/batchnorm.h>
#include <torch/types.h>

#include <cmath>

using namespace covector::networks;
using covector::testing::gradient_gap;
using covector::testing::max_gap;

namespace {

at::Tensor row(std::vector<double> values) {
  return torch::tensor(values, torch::kFloat64).unsqueeze(0);
}

std::vector<std::string> names_of(const torch::nn::Module& module) {
  auto names = module.named_parameters().keys();
  const auto buffers = module.named_buffers().keys();
  names.insert(names.end(), buffers.begin(), buffers.end());
  return names;
}

std::int64_t size_of(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

// A projection as BYOL has it, small.
Head small_head(HeadNorm norm) {
  return Head(3,
              {{.width = 8, .norm = HeadLayer::Norm::affine, .relu = true},
               {.width = 4, .bias = false, .norm = HeadLayer::Norm::plain}},
              norm);
}

}  // namespace

TEST_CASE("a linear layer worked out by hand, on rows and on voxels", "[heads]") {
  Linear linear(2, 2);
  linear.to(torch::kFloat64);
  const torch::NoGradGuard no_grad;
  linear.weight.copy_(torch::tensor({{1.0, 2.0}, {0.0, -1.0}}));
  linear.bias.copy_(torch::tensor({0.5, 0.25}));
  // (1 * 3 + 2 * 4 + 0.5, -4 + 0.25)
  const auto wanted = row({11.5, -3.75});
  const auto x = row({3, 4});
  CHECK(torch::equal(linear.forward(x), wanted));
  CHECK(torch::equal(linear.forward(x.view({1, 2, 1, 1}).expand({2, 2, 3, 5}))[1].select(2, 4),
                     wanted.view({2, 1}).expand({2, 3})));
  CHECK(torch::equal(
      linear.forward(x.view({1, 2, 1, 1, 1}).expand({1, 2, 3, 4, 5})).flatten(2).select(2, 7),
      wanted));
}

TEST_CASE("a linear layer starts uniform in 1 / sqrt(in)", "[heads]") {
  torch::manual_seed(1);
  const Linear linear(64, 512);
  for (const auto& parameter : linear.parameters()) {
    // Of 512 values the largest misses the bound of 1/8 by a hundredth but once in 160 times.
    CHECK(parameter.abs().max().item<double>() <= 0.125);
    CHECK(parameter.abs().max().item<double>() > 0.125 * 0.99);
    CHECK(std::abs(parameter.mean().item<double>()) < 0.02);
  }
  CHECK_FALSE(Linear(2, 2, false).bias.defined());
}

TEST_CASE("the small-batch rule", "[heads]") {
  CHECK(head_norm("auto", 1) == HeadNorm::layer);
  CHECK(head_norm("auto", 7) == HeadNorm::layer);
  CHECK(head_norm("auto", 8) == HeadNorm::batch);
  CHECK(head_norm("batch", 2) == HeadNorm::batch);
  CHECK(head_norm("layer", 64) == HeadNorm::layer);
  CHECK(head_norm("none", 64) == HeadNorm::none);
}

TEST_CASE("batch statistics of one row are refused", "[heads][errors]") {
  CHECK_THROWS_AS(head_norm("batch", 1), covector::RecipeError);
  CHECK_THROWS_WITH(head_norm("batch", 1),
                    "[method] 'head_norm' = \"batch\" needs two rows or more, the head sees one; "
                    "take \"layer\", or more samples or crops a batch");
  CHECK_THROWS_WITH(head_norm("group", 8), "'group' is no normalisation of a head");
  FeatureNorm norm(HeadNorm::batch, 3, true);
  CHECK_THROWS_WITH(norm.forward(torch::ones({1, 3})), "batch statistics need more than one row");
  norm.eval();
  CHECK(norm.forward(torch::ones({1, 3})).sizes() == at::IntArrayRef({1, 3}));
  CHECK_THROWS_WITH(Head(3, {}), "a head needs a layer");
}

TEST_CASE("batch statistics of two rows are a sign function", "[heads]") {
  // +-d / 2 over sqrt(d^2 / 4 + 1e-5)
  FeatureNorm norm(HeadNorm::batch, 2, false);
  norm.to(torch::kFloat64);
  const auto y = norm.forward(torch::tensor({{0.3, 5.0}, {0.2, 6.0}}, torch::kFloat64));
  const auto wanted = torch::tensor({{0.998006, -0.999980}, {-0.998006, 0.999980}});
  CHECK(max_gap(y, wanted) < 5e-7);
}

TEST_CASE("with two rows the gradient stays in the units that nearly tie", "[heads]") {
  // Of 2048 units, the gradient that arrives over the one that is sent: the sheet measured medians
  // of 5e-5 for 2 rows and 0.99 for 24, and in the top hundredth of the units 99.9% and 2.9% of the
  // energy.
  const auto measure = [](std::int64_t rows) {
    torch::manual_seed(3);
    const auto x = torch::randn({rows, 2048}, torch::kFloat64).requires_grad_();
    const auto sent = torch::randn({rows, 2048}, torch::kFloat64);
    FeatureNorm norm(HeadNorm::batch, 2048, false);
    norm.to(torch::kFloat64);
    (norm.forward(x) * sent).sum().backward();
    const auto energy = x.grad().square().sum(0);
    const auto ratio = (energy / sent.square().sum(0)).sqrt();
    const auto top = std::get<0>(energy.topk(20)).sum() / energy.sum();
    return std::pair(ratio.median().item<double>(), top.item<double>());
  };
  const auto [median_of_2, top_of_2] = measure(2);
  CHECK(median_of_2 < 2e-4);
  CHECK(top_of_2 > 0.99);
  const auto [median_of_24, top_of_24] = measure(24);
  CHECK(median_of_24 == Approx(0.99).margin(0.03));
  CHECK(top_of_24 < 0.04);
}

TEST_CASE("batch normalisation is PyTorch's, training and evaluation", "[heads]") {
  torch::manual_seed(4);
  torch::nn::BatchNorm1d theirs(5);
  FeatureNorm ours(HeadNorm::batch, 5, true);
  theirs->to(torch::kFloat64);
  ours.to(torch::kFloat64);
  for (int step = 0; step < 3; ++step) {
    const auto x = 2 * torch::randn({6, 5, 7}, torch::kFloat64) + 1;
    CHECK(max_gap(ours.forward(x), theirs->forward(x)) < 1e-12);
  }
  ours.eval();
  theirs->eval();
  const auto x = torch::randn({1, 5, 7}, torch::kFloat64);
  CHECK(max_gap(ours.forward(x), theirs->forward(x)) < 1e-12);
  // A voxel is a row.
  ours.train();
  theirs->train();
  const auto map = torch::randn({2, 5, 3, 2, 4}, torch::kFloat64);
  CHECK(max_gap(ours.forward(map).flatten(2), theirs->forward(map.flatten(2))) < 1e-12);
}

TEST_CASE("layer normalisation of each row is what its formula says", "[heads]") {
  torch::manual_seed(5);
  FeatureNorm norm(HeadNorm::layer, 6, true);
  norm.to(torch::kFloat64);
  const torch::NoGradGuard no_grad;
  norm.weight.uniform_(0.5, 2);
  norm.bias.normal_();
  const auto formula = [&](const at::Tensor& x) {  // [rows, 6]
    const auto centred = x - x.mean(1, true);
    return centred / (centred.square().mean(1, true) + 1e-5).sqrt() * norm.weight + norm.bias;
  };
  const auto rows = torch::randn({3, 6}, torch::kFloat64);
  CHECK(max_gap(norm.forward(rows), formula(rows)) < 1e-12);
  const auto map = torch::randn({2, 6, 3, 4}, torch::kFloat64);
  CHECK(max_gap(norm.forward(map).permute({0, 2, 3, 1}).reshape({-1, 6}),
                formula(map.permute({0, 2, 3, 1}).reshape({-1, 6}))) < 1e-12);
  // The instance normalisation of a single row, which the 3D reference code has in its heads.
  CHECK(max_gap(FeatureNorm(HeadNorm::layer, 6, false).forward(rows),
                at::instance_norm(rows.unsqueeze(0), {}, {}, {}, {}, true, 0.1, 1e-5, false)[0]) <
        1e-12);
}

TEST_CASE("no normalisation leaves rows as they are and has no weights", "[heads]") {
  FeatureNorm norm(HeadNorm::none, 4, true);
  const auto x = torch::randn({1, 4});
  CHECK(torch::equal(norm.forward(x), x));
  CHECK(names_of(norm).empty());
}

TEST_CASE("a head is its layers in order", "[heads]") {
  auto head = two_layer_head(2, 2, 1);
  head->to(torch::kFloat64);
  const torch::NoGradGuard no_grad;
  const auto weights = head->named_parameters();
  weights["linear0.weight"].copy_(torch::tensor({{1.0, 0.0}, {0.0, 1.0}}));
  weights["linear0.bias"].copy_(torch::tensor({0.0, -1.0}));
  weights["linear1.weight"].copy_(torch::tensor({{2.0, 3.0}}));
  weights["linear1.bias"].copy_(torch::tensor({0.5}));
  // (3, 0 - 1) -> (3, 0) -> 2 * 3 + 0.5
  CHECK(head->forward(row({3, 0})).item<double>() == 6.5);
  CHECK(head->width() == 1);
}

TEST_CASE("a head names its weights as a checkpoint has them", "[heads]") {
  CHECK(names_of(small_head(HeadNorm::layer)) ==
        std::vector<std::string>{"linear0.weight", "linear0.bias", "norm0.weight", "norm0.bias",
                                 "linear1.weight"});
  CHECK(names_of(small_head(HeadNorm::batch)) ==
        std::vector<std::string>{"linear0.weight", "linear0.bias", "norm0.weight", "norm0.bias",
                                 "linear1.weight", "norm0.running_mean", "norm0.running_var",
                                 "norm1.running_mean", "norm1.running_var"});
}

TEST_CASE("the head of SimCLR and MoCo v2 has 328 320 weights on 512 channels", "[heads]") {
  CHECK(size_of(*two_layer_head(512, 512, 128)) == 328320);
}

TEST_CASE("a fresh head has the shape of the first and weights of its own", "[heads]") {
  const auto norm = GENERATE(HeadNorm::batch, HeadNorm::layer, HeadNorm::none);
  auto head = small_head(norm);
  const auto other = head.fresh();
  CHECK(names_of(*other) == names_of(head));
  const auto mine = head.named_parameters();
  for (const auto& item : other->named_parameters()) {
    REQUIRE(item.value().sizes() == mine[item.key()].sizes());
    CHECK_FALSE(item.value().is_alias_of(mine[item.key()]));
  }
  CHECK_FALSE(torch::equal(other->named_parameters()["linear0.weight"], mine["linear0.weight"]));
}

TEST_CASE("a head has the gradient of its formula", "[heads][gradient]") {
  torch::manual_seed(6);
  const auto norm = GENERATE(HeadNorm::batch, HeadNorm::layer, HeadNorm::none);
  auto head = small_head(norm);
  head.to(torch::kFloat64);
  const auto weight = torch::randn({5, 4}, torch::kFloat64);
  const auto gap =
      gradient_gap([&](const at::Tensor& x) { return (head.forward(x) * weight).sum(); },
                   torch::randn({5, 3}, torch::kFloat64));
  CHECK(gap < 1e-6);
}

TEST_CASE("a head takes bfloat16 rows under autocast's rules", "[heads]") {
  const auto norm = GENERATE(HeadNorm::batch, HeadNorm::layer);
  FeatureNorm features(norm, 4, true);
  const auto x = torch::randn({6, 4});
  const auto half = features.forward(x.to(torch::kBFloat16));
  CHECK(max_gap(half, features.forward(x)) < 0.05);
}
