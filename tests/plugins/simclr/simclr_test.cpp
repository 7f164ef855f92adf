#include "simclr.h"

#include "support/catch.h"
#include "support/numeric.h"

#include "plugins/two_views.h"

namespace covector::simclr {
namespace {

using testing::gradient_gap;

Options small() {
  Options options;
  options.crop = {8, 12};
  options.hidden = 7;
  options.embedding = 5;
  return options;
}

double cosine(const at::Tensor& a, const at::Tensor& b) {
  return (a * b).sum().item<double>() / (a.norm() * b.norm()).item<double>();
}

// NT-Xent row by row, the rows of the first view and then those of the second.
double slow_loss(const at::Tensor& first, const at::Tensor& second, double temperature) {
  const auto rows = torch::cat({first, second});
  const auto n = first.size(0);
  double sum = 0;
  for (std::int64_t a = 0; a < 2 * n; ++a) {
    double all = 0;
    for (std::int64_t c = 0; c < 2 * n; ++c)
      if (c != a) all += std::exp(cosine(rows[a], rows[c]) / temperature);
    sum += std::log(all) - cosine(rows[a], rows[(a + n) % (2 * n)]) / temperature;
  }
  return sum / static_cast<double>(2 * n);
}

TEST_CASE("the loss of SimCLR is the mean of NT-Xent over all rows", "[simclr]") {
  const auto batch = GENERATE(2, 3);
  const auto method = testing::make_method<SimClr>(small(), batch);
  auto views = testing::random_views(batch, 2);
  const auto z = method->embed(views).at("z");
  const auto result = method->step(views, {"train"});
  CHECK(result.loss.item<double>() == Approx(slow_loss(z.first, z.second, 0.5)).epsilon(1e-12));

  double positive = 0;
  double negative = 0;
  const auto rows = torch::cat({z.first, z.second});
  const std::int64_t n = batch;
  for (std::int64_t a = 0; a < 2 * n; ++a)
    for (std::int64_t b = 0; b < 2 * n; ++b) {
      if (a == b) continue;
      (b == (a + n) % (2 * n) ? positive : negative) += cosine(rows[a], rows[b]);
    }
  const auto pairs = static_cast<double>(2 * n);
  CHECK(result.logs.at("simclr/positive_cosine").item<double>() ==
        Approx(positive / pairs).epsilon(1e-12));
  CHECK(result.logs.at("simclr/negative_cosine").item<double>() ==
        Approx(negative / (pairs * static_cast<double>(2 * n - 2))).epsilon(1e-12));
  CHECK(result.logs.at("simclr/accuracy").item<double>() >= 0);
}

TEST_CASE("SimCLR's gradient flows through both views", "[simclr][gradient]") {
  const auto method = testing::make_method<SimClr>(small());
  auto views = testing::random_views(3, 2);
  const auto first = views.at("first").image();
  const auto second = views.at("second").image();
  CHECK(gradient_gap(
            [&](const at::Tensor& image) {
              auto moved = testing::two_views(image, second);
              return method->step(moved, {"train"}).loss;
            },
            first) < 1e-6);
  CHECK(gradient_gap(
            [&](const at::Tensor& image) {
              auto moved = testing::two_views(first, image);
              return method->step(moved, {"train"}).loss;
            },
            second) < 1e-6);
}

TEST_CASE("a collapsed SimCLR has the loss ln(2N - 1)", "[simclr]") {
  const std::vector<std::pair<std::int64_t, double>> printed{
      {2, 1.098612}, {4, 1.945910}, {8, 2.708050}, {24, 3.850148}, {48, 4.553877}};
  for (const auto& [batch, wanted] : printed) {
    const auto method = testing::make_method<SimClr>(small(), batch);
    {
      const torch::NoGradGuard no_grad;
      method->named_parameters()["projector.linear1.weight"].zero_();  // the bias alone
    }
    auto views = testing::random_views(batch, 2);
    const auto result = method->step(views, {"train"});
    CHECK(result.loss.item<double>() == Approx(wanted).margin(5e-7));
    CHECK(result.logs.at("simclr/negative_cosine").item<double>() == Approx(1));
  }
}

TEST_CASE("the head of SimCLR is that of the paper, with normalisation where asked for",
          "[simclr]") {
  const InputSpec input{1, 2};
  const auto head_of = [&](const Options& options, std::int64_t batch) {
    const SimClr method(
        options,
        std::make_shared<testing::SmallBackbone>(input, std::vector<std::int64_t>{512, 5, 4}),
        {input, batch});
    return method.named_children()["projector"];
  };
  Options options;
  CHECK(testing::size_of(*head_of(options, 24)) == 328320);
  CHECK(head_of(options, 24)->named_buffers().is_empty());
  // Scale and shift instead of the biases: 640 more.
  options.head_norm = "batch";
  CHECK(testing::size_of(*head_of(options, 2)) == 328320 + 512 + 128);
  CHECK_FALSE(head_of(options, 2)->named_buffers().is_empty());
  // Both views are normalised together: 4 samples are 8 rows.
  options.head_norm = "auto";
  CHECK(head_of(options, 3)->named_buffers().is_empty());
  CHECK_FALSE(head_of(options, 4)->named_buffers().is_empty());
}

TEST_CASE("a step of SimCLR", "[simclr]") {
  const std::string norm = GENERATE("none", "layer", "batch");
  auto options = small();
  options.head_norm = norm;
  testing::check_whole_step<SimClr>(options, "");
  options.crops = 2;
  testing::check_whole_step<SimClr>(options, "", 1);
}

TEST_CASE("what does not fit SimCLR is refused", "[simclr][errors]") {
  CHECK_THROWS_AS(testing::make_method<SimClr>(small(), 1), RecipeError);
  CHECK_THROWS_WITH(testing::make_method<SimClr>(small(), 1),
                    "[method] 'simclr' finds its negatives among the other samples of a batch, and "
                    "there are none; set loop.batch or 'crops' to 2 or more");
  testing::check_crop_errors<SimClr>(small());
}

TEST_CASE("what SimCLR shows of itself", "[simclr]") {
  testing::check_embed<SimClr>(small(), 5);
  testing::check_draw<SimClr>(small());
  testing::check_bfloat16<SimClr>(small());
  testing::check_resumes<SimClr>(small());
}

TEST_CASE("SimCLR learns without collapse on its default views", "[simclr][views]") {
  Options options;
  options.embedding = 32;
  testing::check_learns<SimClr>(options, 2.4);  // chance: ln 15 = 2.71
}

}  // namespace
}  // namespace covector::simclr
