#include "plugins/dense_moco_check.h"

#include "covector/losses/cell_contrast.h"
#include "covector/losses/contrast.h"
#include "covector/networks/matching.h"
#include "densecl.h"

#include <set>
#include <utility>

/// Numbers D1 to D5 are worked out in float64 from the formulas of DenseCL's paper and code.
namespace covector::densecl {
namespace {

using testing::max_gap;
using testing::nce;

constexpr double kPrinted = 6e-7;  // half of the last digit, and a little

Options small() {
  Options options;
  testing::make_small(options);
  return options;
}

at::Tensor rows(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64).view({1, -1, 2});
}

const auto kQueryCells = rows({1, 0, 0, 1, 1, 1, -2, 1});
const auto kKeyCells = rows({0, 2, 3, 1, -1, 0, 1, 1});
const auto kR = rows({1, 0, 0.6, 0.8, 0, 1, 0.8, -0.6});
const auto kT = rows({0.6, 0.8, 0.8, 0.6, 0, 1, 1, 0});
const auto kDenseQueue = rows({0, -1, -0.6, 0.8})[0];

TEST_CASE("D1, D2: cells are matched by their features and contrasted with the queue",
          "[densecl]") {
  const auto match = networks::nearest_rows(kQueryCells, kKeyCells);
  CHECK(torch::equal(match.flatten(), torch::tensor({1, 0, 3, 2})));
  const auto loss = losses::cell_nce(kR, kT, match, kDenseQueue, 0.2);
  const auto wanted = torch::tensor({0.019045, 0.027077, 4.018271, 6.002884}, torch::kFloat64);
  CHECK(max_gap(loss.flatten(), wanted) < kPrinted);
  CHECK(loss.mean().item<double>() == Approx(2.516819).margin(kPrinted));
  // The first cell in full: similarity 0.8 against 0 and -0.6.
  CHECK(loss[0][0][0].item<double>() ==
        Approx(std::log(1 + std::exp(-4.0) + std::exp(-7.0))).epsilon(1e-9));
}

TEST_CASE("D3: the image branch, and both with equal weights", "[densecl]") {
  const auto image_loss =
      losses::info_nce(rows({1, 0})[0], rows({0.8, 0.6})[0], rows({0, 1, -1, 0})[0], 0.2)
          .mean()
          .item<double>();
  CHECK(image_loss == Approx(0.018271).margin(kPrinted));
  CHECK(image_loss == Approx(std::log(1 + std::exp(-4.0) + std::exp(-9.0))).epsilon(1e-9));
  const auto dense_loss =
      losses::cell_nce(kR, kT, networks::nearest_rows(kQueryCells, kKeyCells), kDenseQueue, 0.2)
          .mean()
          .item<double>();
  const Options defaults;
  const auto w = defaults.dense_weight;
  CHECK((1 - w) * image_loss + w * dense_loss == Approx(1.267545).margin(kPrinted));
}

TEST_CASE("D4: a view's dense key is the mean of its cells, scaled", "[densecl]") {
  CHECK(max_gap(losses::unit(kT.mean(1)), torch::full({1, 2}, 0.707107)) < kPrinted);
}

TEST_CASE("D5: matching the embeddings instead gives other pairs", "[densecl]") {
  const auto match = networks::nearest_rows(kR, kT);
  CHECK(torch::equal(match.flatten(), torch::tensor({3, 0, 2, 3})));
  CHECK(losses::cell_nce(kR, kT, match, kDenseQueue, 0.2).mean().item<double>() ==
        Approx(0.165198).margin(kPrinted));
}

TEST_CASE("a step of DenseCL equals its formulas, pair by pair", "[densecl]") {
  auto options = small();
  options.dense_weight = 0.3;
  options.warmup_steps = 5;
  const auto method = testing::make_dense<DenseCl>(options);
  const auto moco = testing::moco_of(*method);
  // Momentum features differ from the online ones, so that it matters which are matched.
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
  double dense_loss = 0;
  std::set<std::pair<std::int64_t, std::int64_t>> matched;
  for (std::int64_t n = 0; n < 2; ++n)
    for (std::int64_t i = 0; i < 4; ++i) {
      const auto match = testing::by_cosine(query.cells[n][i], key.cells[n]).front();
      matched.emplace(n, match);
      dense_loss +=
          nce(query.dense[n][i], key.dense[n][match], moco->dense_queue().keys(), 0.2) / 8;
    }
  REQUIRE(std::abs(dense_loss - image_loss) > 1e-3);
  const auto result = method->step(views, {"train", 5, 10, true});
  CHECK(result.logs.at("densecl/image_loss").item<double>() == Approx(image_loss).epsilon(1e-9));
  CHECK(result.logs.at("densecl/dense_loss").item<double>() == Approx(dense_loss).epsilon(1e-9));
  CHECK(result.loss.item<double>() == Approx(0.7 * image_loss + 0.3 * dense_loss).epsilon(1e-9));
  CHECK(result.logs.at("densecl/matched_cells").item<double>() ==
        Approx(static_cast<double>(matched.size()) / 8).epsilon(1e-6));
  // While it warms up, the image branch trains alone.
  CHECK(method->step(views, {"train", 4, 10, true}).loss.item<double>() ==
        Approx(image_loss).epsilon(1e-9));
}

TEST_CASE("same_place counts matches that lie less than a cell's diagonal apart", "[densecl]") {
  // One image twice: every cell matches itself. Then the key view shows a place far away.
  auto options = small();
  const auto method = testing::make_dense<DenseCl>(options, 2, 1);
  const Batch batch{torch::rand({1, 1, 60, 60}, torch::kFloat64), {}, {"x"}, {}};
  const auto window = [&](double offset) {
    View view(batch);
    view.resample(SpatialMap::translation(torch::full({1, 2}, offset, torch::kFloat64), {8, 12}));
    return view;
  };
  Views same{{"query", window(3)}, {"key", window(3)}};
  CHECK(method->step(same, {}).logs.at("densecl/same_place").item<double>() == 1.0);
  Views apart{{"query", window(3)}, {"key", window(40)}};
  CHECK(method->step(apart, {}).logs.at("densecl/same_place").item<double>() == 0.0);
}

TEST_CASE("a step of DenseCL has the gradient of its loss", "[densecl][gradient]") {
  testing::check_step_gradient<DenseCl>(small());
}

TEST_CASE("DenseCL on images and volumes, also with a batch of 1", "[densecl]") {
  testing::check_whole_step<DenseCl>(small());
}

TEST_CASE("DenseCL stores keys, resumes, embeds, draws and runs in bfloat16", "[densecl]") {
  testing::check_queues<DenseCl>(small());
  testing::check_resumes<DenseCl>(small());
  testing::check_embed<DenseCl>(small());
  testing::check_draw<DenseCl>(small());
  testing::check_bfloat16<DenseCl>(small());
}

TEST_CASE("DenseCL learns without collapse", "[densecl][slow]") {
  // On smooth volumes of 20 voxels a side most cells match the same few, which the copy leaves in
  // place for longer than 200 steps, and the dense embeddings gather there: "z" and matched_cells
  // show it. On brain volumes they spread.
  testing::check_learns<DenseCl>(Options{}, 0.1, {"z_global"});
}

TEST_CASE("DenseCL has the heads of its sheet on the default U-Net's channels", "[densecl]") {
  Options options;
  options.crop = {16};
  const InputSpec input;
  const DenseCl method(
      options,
      std::make_shared<testing::SmallBackbone>(input, std::vector<std::int64_t>{512, 32},
                                               std::vector<std::int64_t>{4, 1}),
      {input, 2});
  std::int64_t numbers = 0;
  for (const auto& item : method.named_parameters())
    if (item.key().rfind("moco.image_head", 0) == 0 || item.key().rfind("moco.dense_head", 0) == 0)
      numbers += item.value().numel();
  // 512 -> 512 -> 128 and 32 -> 512 -> 128, with biases.
  CHECK(numbers == (512 * 512 + 512 + 512 * 128 + 128) + (32 * 512 + 512 + 512 * 128 + 128));
}

TEST_CASE("DenseCL says what does not fit", "[densecl][errors]") {
  testing::check_shared_errors<DenseCl>(small());
}

}  // namespace
}  // namespace covector::densecl
