#include "byol.h"

#include "support/catch.h"
#include "support/numeric.h"

#include "plugins/two_views.h"

namespace covector::byol {
namespace {

using testing::gradient_gap;
using testing::max_gap;

Options small() {
  Options options;
  options.crop = {8, 12};
  options.hidden = 9;
  options.embedding = 5;
  return options;
}

at::Tensor rows(const std::vector<std::vector<double>>& values) {
  std::vector<at::Tensor> all;
  for (const auto& row : values) all.push_back(torch::tensor(row, torch::kFloat64));
  return torch::stack(all);
}

at::Tensor parameter(const Byol& method, const std::string& name) {
  return method.named_parameters()[name];
}

// The loss of a pair alone: the other direction agrees and gives 0.
double pair_loss(const at::Tensor& q, const at::Tensor& t) {
  return Byol::loss(q, t, t, t).item<double>();
}

TEST_CASE("the loss of BYOL at printed values", "[byol]") {
  CHECK(pair_loss(rows({{1, 0}}), rows({{0.6, 0.8}})) == Approx(0.8).epsilon(1e-12));
  CHECK(pair_loss(rows({{3, 4}}), rows({{3, 4}})) == Approx(0).margin(1e-12));
  CHECK(pair_loss(rows({{1, 0}}), rows({{-1, 0}})) == Approx(4).epsilon(1e-12));
  // cos = (2 + 0 + 2) / (3 sqrt(5))
  CHECK(pair_loss(rows({{1, 2, 2}}), rows({{2, 0, 1}})) ==
        Approx(2 - 8 / (3 * std::sqrt(5.0))).epsilon(1e-12));
  CHECK(pair_loss(rows({{1, 2, 2}}), rows({{2, 0, 1}})) == Approx(0.807430).margin(5e-7));
}

TEST_CASE("the loss of BYOL adds both directions and is the mean over samples", "[byol]") {
  auto q1 = rows({{1, 2}, {2, -1}}).requires_grad_();
  auto t2 = rows({{2, 1}, {1, 1}}).requires_grad_();
  auto q2 = rows({{0, 1}, {1, 1}}).requires_grad_();
  auto t1 = rows({{1, 3}, {2, 0}}).requires_grad_();
  const auto loss = Byol::loss(q1, t2, q2, t1);
  CHECK(loss.item<double>() ==
        Approx(4 - 0.8 - 4 / std::sqrt(10.0) - std::sqrt(0.5)).epsilon(1e-12));
  CHECK(loss.item<double>() == Approx(1.227982).margin(5e-7));
  loss.backward();
  CHECK(max_gap(q1.grad(), rows({{-0.24, 0.12}, {-0.189737, -0.379473}})) < 5e-7);
  CHECK_FALSE(t1.grad().defined());
  CHECK_FALSE(t2.grad().defined());
}

TEST_CASE("the loss of BYOL has the gradient of its formula", "[byol][gradient]") {
  torch::manual_seed(1);
  const auto other = torch::randn({4, 5}, torch::kFloat64);
  const auto t = torch::randn({4, 5}, torch::kFloat64);
  const auto q = torch::randn({4, 5}, torch::kFloat64);
  CHECK(gradient_gap([&](const at::Tensor& x) { return Byol::loss(x, t, other, t); }, q) < 1e-7);
  CHECK(gradient_gap([&](const at::Tensor& x) { return Byol::loss(other, t, x, t); }, q) < 1e-7);
}

TEST_CASE("the heads of BYOL have DeepMind's sizes", "[byol]") {
  const InputSpec input{1, 2};
  const Byol method(
      Options{},
      std::make_shared<testing::SmallBackbone>(input, std::vector<std::int64_t>{512, 5, 4}),
      {input, 24});
  const auto heads = method.named_children();
  CHECK(testing::size_of(*heads["projector"]) == 3158016);
  CHECK(testing::size_of(*heads["predictor"]) == 2109440);
  CHECK(testing::size_of(*heads["target_projector"]) == 3158016);
}

TEST_CASE("a step of BYOL", "[byol]") {
  testing::check_whole_step<Byol>(small(), "target_");
  auto options = small();
  options.crops = 4;  // 12 rows: batch statistics
  testing::check_whole_step<Byol>(options, "target_");
}

TEST_CASE("a step of BYOL has the gradient of its formula", "[byol][gradient]") {
  const auto method = testing::make_method<Byol>(small());
  auto views = testing::random_views(3, 2);
  auto weight = parameter(*method, "backbone.weight0");
  method->step(views, {"train"}).loss.backward();
  const auto analytic = weight.grad().clone();
  const torch::NoGradGuard no_grad;
  for (std::int64_t i = 0; i < weight.numel(); ++i) {
    auto entry = weight.view({-1})[i];
    const auto loss_at = [&](double change) {
      entry.add_(change);
      const auto value = method->step(views, {"train"}).loss.item<double>();
      entry.sub_(change);
      return value;
    };
    const auto numeric = (loss_at(1e-6) - loss_at(-1e-6)) / 2e-6;
    CHECK(analytic.view({-1})[i].item<double>() == Approx(numeric).margin(1e-7));
  }
}

TEST_CASE("BYOL's target follows along the cosine of the run", "[byol]") {
  const auto method = testing::make_method<Byol>(small());
  auto online = parameter(*method, "projector.linear1.weight");
  const auto target = parameter(*method, "target_projector.linear1.weight");
  REQUIRE(torch::equal(online, target));
  {
    const torch::NoGradGuard no_grad;
    online.add_(1);
  }
  const auto start = target.clone();
  auto wanted = 0.0;  // of the way to the online weights
  // Momentum 0.996, 0.998, 1 at the beginning, the middle and the end.
  for (const auto& [step, momentum] :
       std::vector<std::pair<std::int64_t, double>>{{0, 0.996}, {50, 0.998}, {100, 1.0}}) {
    method->after_step(step, 100);
    wanted += (1 - momentum) * (1 - wanted);
    CHECK(max_gap(target - start, torch::full_like(start, wanted)) < 1e-12);
  }
  auto views = testing::random_views(3, 2);
  const auto logs = method->step(views, {"train", 50, 100}).logs;
  CHECK(logs.at("byol/momentum").item<double>() == Approx(0.998));
  const auto numbers = static_cast<double>(start.numel());
  CHECK(logs.at("byol/target_distance").item<double>() ==
        Approx((1 - wanted) * std::sqrt(numbers)).epsilon(1e-9));
}

TEST_CASE("the whole of BYOL's online encoder is followed", "[byol]") {
  const auto method = testing::make_method<Byol>(small());
  {
    const torch::NoGradGuard no_grad;
    for (auto& item : method->named_parameters())
      if (item.value().requires_grad()) item.value().add_(1);
  }
  method->after_step(0, 100);
  std::int64_t followed = 0;
  for (const auto& item : method->named_parameters()) {
    if (item.key().rfind("target_", 0) != 0) continue;
    ++followed;
    INFO(item.key());
    const auto online = parameter(*method, item.key().substr(std::string("target_").size()));
    CHECK(max_gap(online - item.value(), torch::full_like(online, 0.996)) < 1e-12);
  }
  CHECK(followed == 6 + 5);  // SmallBackbone, projector
}

TEST_CASE("BYOL compares predictions with the target's projections", "[byol]") {
  const auto method = testing::make_method<Byol>(small());
  {
    const torch::NoGradGuard no_grad;
    for (auto& item : method->named_parameters())
      if (item.key().rfind("target_", 0) == 0) item.value().mul_(0.7);
  }
  auto views = testing::random_views(3, 2);
  const auto embeddings = method->embed(views);
  const auto& z = embeddings.at("z");
  const auto& t = embeddings.at("z_target");
  const auto predictor =
      std::dynamic_pointer_cast<networks::Head>(method->named_children()["predictor"]);
  // Squared distances of unit vectors, one by one.
  const auto apart = [](const at::Tensor& a, const at::Tensor& b) {
    return (a / a.norm() - b / b.norm()).square().sum().item<double>();
  };
  double sum = 0;
  for (std::int64_t n = 0; n < 3; ++n)
    sum += apart(predictor->forward(z.first)[n], t.second[n]) +
           apart(predictor->forward(z.second)[n], t.first[n]);
  CHECK(method->step(views, {"train"}).loss.item<double>() == Approx(sum / 3).epsilon(1e-12));
}

TEST_CASE("the views of BYOL are blurred unequally", "[byol]") {
  const auto chance = [](const ViewSpec& spec, const std::string& type) {
    for (const auto& element : spec.chain)
      if (*element.find("type")->as_string() == type)
        return std::get<double>(element.find("probability")->data);
    return 0.0;
  };
  auto options = small();
  auto specs = testing::make_method<Byol>(options)->views();
  CHECK(chance(specs[0], "blur") == 1.0);
  CHECK(chance(specs[1], "blur") == 0.1);
  CHECK(chance(specs[1], "solarise") == 0.0);
  options.solarise = 0.2;
  specs = testing::make_method<Byol>(options)->views();
  CHECK(chance(specs[0], "solarise") == 0.0);
  CHECK(chance(specs[1], "solarise") == 0.2);
  options = small();
  options.augmentation = "chest_xray";
  for (const auto& spec : testing::make_method<Byol>(options)->views())
    CHECK(chance(spec, "blur") == 0.0);
}

TEST_CASE("what does not fit BYOL is refused", "[byol][errors]") {
  testing::check_whole_step<Byol>(small(), "target_", 1);
  auto options = small();
  options.head_norm = "batch";
  CHECK_THROWS_WITH(testing::make_method<Byol>(options, 1),
                    Catch::Contains("'head_norm' = \"batch\" needs two rows or more"));
  testing::check_crop_errors<Byol>(small());
  CHECK_THROWS_WITH(schema_of<Options>().parse(
                        OptionTable{{"augmentation", "chest_xray"}, {"solarise", 0.2}}, "method"),
                    Catch::Contains("'solarise' changes augmentation = \"standard\" alone"));
}

TEST_CASE("what BYOL shows of itself", "[byol]") {
  testing::check_embed<Byol>(small(), 5);
  testing::check_draw<Byol>(small());
  testing::check_bfloat16<Byol>(small());
  testing::check_resumes<Byol>(small());
}

TEST_CASE("BYOL learns without collapse on its default views", "[byol][views]") {
  Options options;
  options.hidden = 64;
  options.embedding = 32;
  options.momentum = 0.99;
  testing::check_learns<Byol>(options, 3.0);  // 4 at the start
}

}  // namespace
}  // namespace covector::byol
