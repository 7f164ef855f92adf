#include "simsiam.h"

#include "support/catch.h"
#include "support/numeric.h"

#include "covector/losses/contrast.h"
#include "plugins/two_views.h"

namespace covector::simsiam {
namespace {

using testing::gradient_gap;
using testing::max_gap;

Options small() {
  Options options;
  options.crop = {8, 12};
  options.hidden = 7;
  options.embedding = 16;
  options.bottleneck = 5;
  return options;
}

at::Tensor rows(const std::vector<std::vector<double>>& values) {
  std::vector<at::Tensor> all;
  for (const auto& row : values) all.push_back(torch::tensor(row, torch::kFloat64));
  return torch::stack(all);
}

TEST_CASE("the loss of SimSiam at printed values", "[simsiam]") {
  // D = -0.6 and -0.8
  CHECK(SimSiam::loss(rows({{1, 0}}), rows({{0.6, 0.8}}), rows({{0, 2}}), rows({{3, 4}}))
            .item<double>() == Approx(-0.7).epsilon(1e-12));

  auto p1 = rows({{1, 2}, {2, -1}}).requires_grad_();
  auto z2 = rows({{2, 1}, {1, 1}}).requires_grad_();
  auto p2 = rows({{0, 1}, {1, 1}}).requires_grad_();
  auto z1 = rows({{1, 3}, {2, 0}}).requires_grad_();
  const auto loss = SimSiam::loss(p1, z2, p2, z1);
  // cosines 4/5 and 1/sqrt(10), 3/sqrt(10) and 1/sqrt(2)
  CHECK(loss.item<double>() ==
        Approx(-(0.8 + 4 / std::sqrt(10.0) + std::sqrt(0.5)) / 4).epsilon(1e-12));
  CHECK(loss.item<double>() == Approx(-0.693004).margin(5e-7));
  loss.backward();
  CHECK(max_gap(p1.grad(), rows({{-0.06, 0.03}, {-0.047434, -0.094868}})) < 5e-7);
  CHECK(p2.grad().defined());
  CHECK_FALSE(z1.grad().defined());
  CHECK_FALSE(z2.grad().defined());
}

TEST_CASE("the loss of SimSiam has the gradient of its formula", "[simsiam][gradient]") {
  torch::manual_seed(1);
  const auto other = torch::randn({4, 5}, torch::kFloat64);
  const auto z = torch::randn({4, 5}, torch::kFloat64);
  const auto p = torch::randn({4, 5}, torch::kFloat64);
  CHECK(gradient_gap([&](const at::Tensor& x) { return SimSiam::loss(x, z, other, z); }, p) < 1e-7);
  CHECK(gradient_gap([&](const at::Tensor& x) { return SimSiam::loss(other, z, x, z); }, p) < 1e-7);
}

TEST_CASE("the heads of SimSiam have the official sizes", "[simsiam]") {
  const InputSpec input{1, 2};
  const auto wide = [&] {
    return std::make_shared<testing::SmallBackbone>(input, std::vector<std::int64_t>{512, 5, 4});
  };
  Options options;
  const auto sizes = [&] {
    const SimSiam method(options, wide(), {input, 24});
    const auto heads = method.named_children();
    return std::pair(testing::size_of(*heads["projector"]), testing::size_of(*heads["predictor"]));
  };
  CHECK(sizes() == std::pair<std::int64_t, std::int64_t>(1574912, 2100224));
  options.hidden = 2048;
  CHECK(sizes() == std::pair<std::int64_t, std::int64_t>(9445376, 2100224));
}

TEST_CASE("SimSiam normalises over the batch from 8 rows a view on", "[simsiam]") {
  const auto has_statistics = [](std::int64_t batch, std::int64_t crops, const std::string& norm) {
    auto options = small();
    options.crops = crops;
    options.head_norm = norm;
    return !testing::make_method<SimSiam>(options, batch)->named_buffers().is_empty();
  };
  CHECK_FALSE(has_statistics(2, 1, "auto"));
  CHECK(has_statistics(24, 1, "auto"));
  CHECK(has_statistics(2, 8, "auto"));
  CHECK(has_statistics(2, 1, "batch"));
  CHECK_FALSE(has_statistics(24, 1, "layer"));
}

TEST_CASE("two rows under batch statistics are opposite whatever the encoder says", "[simsiam]") {
  auto options = small();
  options.head_norm = "batch";
  const auto method = testing::make_method<SimSiam>(options, 2);
  auto views = testing::random_views(2, 2);
  const auto z = method->embed(views).at("z").first;  // still in training mode
  const auto unit = losses::unit(z.detach());
  CHECK((unit[0] * unit[1]).sum().item<double>() < -0.98);
  // ... and their spread, sqrt(2) / sqrt(d), looks healthy.
  CHECK(losses::collapse(z.detach()).std.item<double>() ==
        Approx(std::sqrt(2.0 / 16)).epsilon(0.02));
  options.head_norm = "layer";
  const auto row = testing::make_method<SimSiam>(options, 2)->embed(views).at("z").first.detach();
  const auto cosine = losses::unit(row);
  CHECK((cosine[0] * cosine[1]).sum().item<double>() > -0.5);
}

TEST_CASE("a step of SimSiam", "[simsiam]") {
  testing::check_whole_step<SimSiam>(small(), "");
  auto options = small();
  options.crops = 4;  // 12 rows: batch statistics
  testing::check_whole_step<SimSiam>(options, "");
}

TEST_CASE("SimSiam compares predictions with projections of the other view", "[simsiam]") {
  const auto method = testing::make_method<SimSiam>(small());
  auto views = testing::random_views(3, 2);
  const auto z = method->embed(views).at("z");
  const auto predictor =
      std::dynamic_pointer_cast<networks::Head>(method->named_children()["predictor"]);
  // Cosines one by one, in plain numbers.
  const auto cosine = [](const at::Tensor& a, const at::Tensor& b) {
    return (a * b).sum().item<double>() / (a.norm() * b.norm()).item<double>();
  };
  double sum = 0;
  for (std::int64_t n = 0; n < 3; ++n)
    sum += cosine(predictor->forward(z.first)[n], z.second[n]) +
           cosine(predictor->forward(z.second)[n], z.first[n]);
  const auto result = method->step(views, {"train"});
  CHECK(result.loss.item<double>() == Approx(-sum / 6).epsilon(1e-12));
  double together = 0;
  for (std::int64_t n = 0; n < 3; ++n) together += cosine(z.first[n], z.second[n]) / 3;
  CHECK(result.logs.at("simsiam/projection_cosine").item<double>() ==
        Approx(together).epsilon(1e-12));
}

TEST_CASE("no gradient reaches SimSiam's projector but through the predictor", "[simsiam]") {
  const auto method = testing::make_method<SimSiam>(small());
  {
    // A predictor that answers a constant lets nothing through.
    const torch::NoGradGuard no_grad;
    method->named_parameters()["predictor.linear1.weight"].zero_();
  }
  auto views = testing::random_views(3, 2);
  method->step(views, {"train"}).loss.backward();
  CHECK(method->named_parameters()["predictor.linear1.bias"].grad().abs().max().item<double>() > 0);
  CHECK(method->named_parameters()["projector.linear2.weight"].grad().abs().max().item<double>() ==
        0);
}

TEST_CASE("SimSiam takes a batch of one by rows, not by batch statistics", "[simsiam][errors]") {
  testing::check_whole_step<SimSiam>(small(), "", 1);
  auto options = small();
  options.head_norm = "batch";
  CHECK_THROWS_WITH(testing::make_method<SimSiam>(options, 1),
                    Catch::Contains("'head_norm' = \"batch\" needs two rows or more"));
  testing::check_crop_errors<SimSiam>(small());
}

TEST_CASE("what SimSiam shows of itself", "[simsiam]") {
  testing::check_embed<SimSiam>(small(), 16);
  testing::check_draw<SimSiam>(small());
  testing::check_bfloat16<SimSiam>(small());
  testing::check_resumes<SimSiam>(small());
  auto options = small();
  options.crops = 3;
  const auto specs = testing::make_method<SimSiam>(options)->views();
  REQUIRE(specs.size() == 2);
  CHECK(specs[0].copies == 3);
}

TEST_CASE("SimSiam learns without collapse on its default views", "[simsiam][views]") {
  Options options;
  options.embedding = 32;
  options.bottleneck = 16;
  testing::check_learns<SimSiam>(options, -0.25);  // 0 at the start
}

}  // namespace
}  // namespace covector::simsiam
