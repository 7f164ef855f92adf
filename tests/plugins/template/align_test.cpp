#include "support/catch.h"
#include "support/numeric.h"

#include "align.h"
#include "plugins/small_backbone.h"

#include <torch/types.h>

#include <cmath>

namespace covector::align {
namespace {

using testing::SmallBackbone;

// Two crops of one image whose windows lie one voxel apart along the last axis.
Views shifted_views(const at::Tensor& source) {
  const Batch batch{source, {}, std::vector<std::string>(source.size(0), "x")};
  Views views;
  for (const auto& [name, column] : {std::pair("first", 1.0), std::pair("second", 0.0)}) {
    View view(batch);
    const auto offset = torch::tensor({0.0, column}, torch::kFloat64).repeat({source.size(0), 1});
    view.resample(SpatialMap::translation(offset, {4, 4}));
    views.emplace(name, std::move(view));
  }
  return views;
}

Options options(double weight = 1.0) {
  Options out;
  out.crop = {4, 4};
  out.weight = weight;
  return out;
}

TEST_CASE("align compares voxels that show the same place", "[template]") {
  torch::manual_seed(3);
  const auto backbone = std::make_shared<SmallBackbone>(InputSpec{});
  Align method(options(2.0), backbone, MethodInput{});
  method.to(torch::kFloat64);
  auto views = shifted_views(torch::randn({2, 1, 4, 6}, torch::kFloat64));
  const auto result = method.step(views, {"train"});

  // The first view's column c is the second's c + 1; its last column lies outside the second.
  const auto weight = method.named_parameters()["predictor.weight"].flatten(1);
  const auto bias = method.named_parameters()["predictor.bias"];
  const auto a = backbone->pyramid(views.at("first").image()).back();
  const auto b = backbone->pyramid(views.at("second").image()).back();
  double cosines = 0;
  for (int n = 0; n < 2; ++n)
    for (int row = 0; row < 4; ++row)
      for (int column = 0; column < 3; ++column) {
        const auto guess = torch::mv(weight, a[n].select(2, column).select(1, row)) + bias;
        const auto truth = b[n].select(2, column + 1).select(1, row);
        cosines += (guess.dot(truth) / (guess.norm() * truth.norm())).item<double>();
      }
  CHECK(result.loss.item<double>() == Approx(2 * (1 - cosines / 24)).epsilon(1e-12));
  CHECK(result.logs.at("align/cosine_distance").item<double>() ==
        Approx(1 - cosines / 24).epsilon(1e-12));
  CHECK_FALSE(result.logs.at("align/cosine_distance").requires_grad());
}

TEST_CASE("align has the gradient of its formula in the predictor and none in the second view",
          "[template][gradient]") {
  torch::manual_seed(4);
  const auto backbone = std::make_shared<SmallBackbone>(InputSpec{});
  Align method(options(), backbone, MethodInput{});
  method.to(torch::kFloat64);
  const auto source = torch::randn({1, 1, 4, 6}, torch::kFloat64);
  auto predictor = method.named_parameters()["predictor.weight"];
  const auto loss = [&](const at::Tensor& weight) {
    const torch::NoGradGuard no_grad;
    predictor.copy_(weight);
    auto views = shifted_views(source);
    return method.step(views, {"train"}).loss.item<double>();
  };
  auto views = shifted_views(source);
  method.step(views, {"train"}).loss.backward();
  const auto start = predictor.detach().clone();
  const auto analytic = predictor.grad().flatten();
  for (const std::int64_t i : {0, 5, 10}) {
    const auto change = torch::zeros_like(start);
    change.view({-1})[i] = 1e-6;
    const auto numeric = (loss(start + change) - loss(start - change)) / 2e-6;
    CHECK(analytic[i].item<double>() == Approx(numeric).margin(1e-8));
  }
}

TEST_CASE("align says when its crop does not fit the images", "[template][errors]") {
  const InputSpec volume{1, 3};
  CHECK_THROWS_WITH(Align(options(), std::make_shared<SmallBackbone>(volume), MethodInput{volume}),
                    "[method] 'crop' has 2 numbers, the images have 3 axes");
}

}  // namespace
}  // namespace covector::align
