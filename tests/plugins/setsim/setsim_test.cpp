#include "plugins/dense_moco_check.h"

#include "covector/losses/cell_contrast.h"
#include "covector/losses/contrast.h"
#include "positives.h"
#include "setsim.h"

/// Number S3 is worked out in float64 and equals what the official loss gives.
namespace covector::setsim {
namespace {

using testing::unit_row;

constexpr double kPrinted = 6e-7;  // half of the last digit, and a little

Options small() {
  Options options;
  testing::make_small(options);
  return options;
}

at::Tensor rows(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64).view({1, -1, 2});
}

at::Tensor mask(const std::vector<std::pair<int, int>>& pairs) {
  auto out = torch::zeros({1, 4, 4}, torch::kBool);
  for (const auto& pair : pairs) out[0][pair.first][pair.second] = true;
  return out;
}

TEST_CASE("S3: contrast of cells with their sets", "[setsim]") {
  const auto r = rows({1, 0, 0.6, 0.8, 0, 1, 0.8, -0.6});
  const auto t = rows({0.6, 0.8, 0.8, 0.6, 0, 1, 1, 0});
  const auto negatives = rows({0, -1, -0.6, 0.8})[0];
  const auto both = mask({{0, 2}, {3, 2}, {3, 3}, {1, 0}, {1, 1}, {1, 2}});
  const auto set_loss = losses::set_nce(r, t, both, negatives, 0.2).item<double>();
  CHECK(set_loss == Approx(1.908867).margin(kPrinted));
  // One cell at a time: alone in its view it is the view's mean.
  const auto alone = [&](std::int64_t i) {
    return losses::set_nce(r.narrow(1, i, 1), t, both.narrow(1, i, 1), negatives, 0.2)
        .item<double>();
  };
  CHECK(alone(0) == Approx(0.717736).margin(kPrinted));
  CHECK(alone(1) == Approx(1.194827).margin(kPrinted));
  CHECK(alone(2) == 0.0);
  CHECK(alone(3) == Approx(3.814038).margin(kPrinted));
  CHECK(losses::set_nce(r, t, mask({{0, 2}, {3, 2}, {3, 3}}), negatives, 0.2).item<double>() ==
        Approx(2.265887).margin(kPrinted));
  const auto image_loss =
      losses::info_nce(rows({1, 0})[0], rows({0.8, 0.6})[0], rows({0, 1, -1, 0})[0], 0.2)
          .item<double>();
  const auto w = Options().dense_weight;
  CHECK((1 - w) * image_loss + w * set_loss == Approx(0.963569).margin(kPrinted));
}

// The set loss of two windows, cell by cell. The windows are whole-voxel crops (rows 0 .. 7,
// columns 0 .. 11, and both shifted by 2), so the centres of their 2 x 2 cells lie at 1.75 or 5.25
// and at 2.75 or 8.25, and a cell is 3.5 x 5.5.
double set_loss_by_loops(const networks::DenseMoco::Features& query,
                         const networks::DenseMoco::Features& key, const at::Tensor& negatives,
                         const Options& options) {
  const auto diagonal = std::hypot(3.5, 5.5);
  double sum = 0;
  for (std::int64_t n = 0; n < 2; ++n) {
    const auto a = attention(query.cells)[n];
    const auto b = attention(key.cells)[n];
    double sample = 0;
    int with_positive = 0;
    for (std::int64_t i = 0; i < 4; ++i) {
      std::vector<double> similarity;
      const auto r = unit_row(query.dense[n][i]);
      for (std::int64_t j = 0; j < 4; ++j) {
        const auto cosine =
            unit_row(query.cells[n][i]).dot(unit_row(key.cells[n][j])).item<double>();
        const auto down = 3.5 * static_cast<double>(i / 2 - j / 2) - 2;
        const auto right = 5.5 * static_cast<double>(i % 2 - j % 2) - 2;
        const bool attentive = a[i].item<double>() >= options.attention &&
                               b[j].item<double>() >= options.attention &&
                               cosine >= options.similarity;
        if (attentive || std::hypot(down, right) / diagonal < options.geometry)
          similarity.push_back(r.dot(unit_row(key.dense[n][j])).item<double>() / 0.2);
      }
      if (similarity.empty()) continue;
      double all = 0;
      for (const auto s : similarity) all += std::exp(s);
      for (std::int64_t m = 0; m < negatives.size(0); ++m)
        all += std::exp(r.dot(negatives[m]).item<double>() / 0.2);
      double cell = 0;
      for (const auto s : similarity) cell += std::log(all) - s;
      sample += cell / (static_cast<double>(similarity.size()) + 1e-8);
      ++with_positive;
    }
    sum += sample / (with_positive + 1e-8);
  }
  return sum / 2;
}

TEST_CASE("a step of SetSim equals its formulas, cell by cell", "[setsim]") {
  for (const auto geometry : {0.5, 0.0, 0.9}) {
    auto options = small();
    options.dense_weight = 0.3;
    options.geometry = geometry;
    const auto method = testing::make_dense<SetSim>(options);
    const auto moco = testing::moco_of(*method);
    {
      const torch::NoGradGuard no_grad;
      for (const auto& item : method->named_parameters())
        if (item.key().rfind("moco.key_", 0) == 0)
          item.value().add_(0.3 * torch::randn_like(item.value()));
    }
    auto views = testing::two_windows();
    const auto query = moco->query(views.at("query").image());
    const auto key = moco->key(views.at("key").image());
    const auto image_loss = testing::mean_image_nce(query, key, moco->image_queue().keys(), 0.2);
    const auto set_loss = set_loss_by_loops(query, key, moco->dense_queue().keys(), options);
    const auto result = method->step(views, {"train", 0, 10, true});
    INFO("geometry " << geometry);
    REQUIRE(set_loss > 0);
    CHECK(result.logs.at("setsim/image_loss").item<double>() == Approx(image_loss).epsilon(1e-9));
    CHECK(result.logs.at("setsim/set_loss").item<double>() == Approx(set_loss).epsilon(1e-9));
    CHECK(result.loss.item<double>() == Approx(0.7 * image_loss + 0.3 * set_loss).epsilon(1e-9));
  }
}

TEST_CASE("views without any pair contribute nothing and break nothing", "[setsim]") {
  // Nothing is attentive above 1, and the windows lie apart.
  auto options = small();
  options.similarity = 1.0;
  const auto method = testing::make_dense<SetSim>(options, 2, 1);
  const Batch batch{torch::rand({1, 1, 60, 60}, torch::kFloat64), {}, {"x"}, {}};
  Views views;
  for (const auto& [name, offset] : {std::pair("query", 0.0), std::pair("key", 40.0)}) {
    View view(batch);
    view.resample(SpatialMap::translation(torch::full({1, 2}, offset, torch::kFloat64), {8, 12}));
    views.emplace(name, std::move(view));
  }
  const auto result = method->step(views, {"train", 0, 10, true});
  CHECK(result.logs.at("setsim/cells_with_positive").item<double>() == 0.0);
  CHECK(result.logs.at("setsim/set_loss").item<double>() == 0.0);
  result.loss.backward();
  const auto dense = method->named_parameters()["moco.dense_head.linear0.weight"].grad();
  CHECK(dense.abs().max().item<double>() == 0.0);
  CHECK(method->named_parameters()["moco.image_head.linear0.weight"]
            .grad()
            .abs()
            .max()
            .item<double>() > 0.0);
}

TEST_CASE("a step of SetSim has the gradient of its loss", "[setsim][gradient]") {
  testing::check_step_gradient<SetSim>(small());
}

TEST_CASE("SetSim on images and volumes, also with a batch of 1", "[setsim]") {
  testing::check_whole_step<SetSim>(small());
}

TEST_CASE("SetSim stores keys, resumes, embeds, draws and runs in bfloat16", "[setsim]") {
  testing::check_queues<SetSim>(small());
  testing::check_resumes<SetSim>(small());
  testing::check_embed<SetSim>(small());
  testing::check_draw<SetSim>(small());
  testing::check_bfloat16<SetSim>(small());
}

TEST_CASE("SetSim learns without collapse", "[setsim][slow]") {
  testing::check_learns<SetSim>(Options{}, 0.1);
}

TEST_CASE("SetSim says what does not fit", "[setsim][errors]") {
  testing::check_shared_errors<SetSim>(small());
}

}  // namespace
}  // namespace covector::setsim
