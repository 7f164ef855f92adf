#include "plugins/dense_moco_check.h"
#include "support/peak_memory.h"

#include "covector/losses/cell_contrast.h"
#include "covector/losses/contrast.h"
#include "covector/networks/matching.h"
#include "dsc_pm.h"

#include <set>

/// Number P4 is worked out in float64 from the formulas of the method's sheet.
namespace covector::dsc_pm {
namespace {

using testing::nce;
using testing::unit_row;

constexpr double kPrinted = 6e-7;  // half of the last digit, and a little

Options small() {
  Options options;
  testing::make_small(options);
  options.prototypes = 4;
  options.foreground = 0.45;  // of noise in 0 .. 1: most cells count, not all
  return options;
}

at::Tensor rows(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64).view({1, -1, 2});
}

TEST_CASE("P4: each cell with its two neighbours, and the total", "[dsc_pm]") {
  const Options defaults;
  const auto neighbours = networks::nearest_rows(
      rows({1, 0, 0, 1, 1, 1, -2, 1}), rows({0, 2, 3, 1, -1, 0, 1, 1}), defaults.neighbours);
  CHECK(torch::equal(neighbours[0], torch::tensor({1, 3, 0, 3, 3, 1, 2, 0}).view({4, 2})));
  const auto dense_loss = losses::cell_nce(rows({1, 0, 0.6, 0.8, 0, 1, 0.8, -0.6}),
                                           rows({0.6, 0.8, 0.8, 0.6, 0, 1, 1, 0}), neighbours,
                                           rows({0, -1, -0.6, 0.8})[0], 0.2)
                              .mean()
                              .item<double>();
  CHECK(dense_loss == Approx(1.827664).margin(kPrinted));
  // With D3, P2 and P3.
  CHECK(defaults.image_weight * 0.018271 + defaults.dense_weight * dense_loss +
            defaults.semantic_weight * (0.236109 + 2.338987) ==
        Approx(2.210515).margin(2e-6));
}

// ---- the semantic level by loops ----------------------------------------------------------------

using Matrix = std::vector<std::vector<double>>;

// Scores of the counted cells of all samples: rows (sample, cell).
struct Coded {
  std::vector<std::pair<std::int64_t, std::int64_t>> cell;
  Matrix code;
  const std::vector<double>* find(std::int64_t n, std::int64_t i) const {
    for (std::size_t row = 0; row < cell.size(); ++row)
      if (cell[row] == std::pair(n, i)) return &code[row];
    return nullptr;
  }
};

std::vector<double> scores_of(const at::Tensor& embedding, const at::Tensor& prototypes) {
  std::vector<double> out;
  for (std::int64_t c = 0; c < prototypes.size(0); ++c)
    out.push_back(unit_row(embedding).dot(prototypes[c]).item<double>());
  return out;
}

// Whether the mean of a cell of a view of 8 x 12 voxels, 2 x 2 cells, reaches the threshold.
bool bright(const at::Tensor& image, std::int64_t n, std::int64_t i, double threshold) {
  const auto cell = image[n][0].narrow(0, 4 * (i / 2), 4).narrow(1, 6 * (i % 2), 6);
  return cell.mean().item<double>() >= threshold;
}

Coded coded(const at::Tensor& dense, const at::Tensor& prototypes, const at::Tensor& image,
            double threshold) {
  Coded out;
  for (std::int64_t n = 0; n < dense.size(0); ++n)
    for (std::int64_t i = 0; i < dense.size(1); ++i) {
      if (!bright(image, n, i, threshold)) continue;
      out.cell.emplace_back(n, i);
      out.code.push_back(scores_of(dense[n][i], prototypes));
      for (auto& value : out.code.back()) value = std::exp(value / 0.05);
    }
  for (int iteration = 0; iteration < 3; ++iteration) {
    for (std::size_t c = 0; c < static_cast<std::size_t>(prototypes.size(0)); ++c) {
      double sum = 0;
      for (const auto& row : out.code) sum += row[c];
      for (auto& row : out.code) row[c] /= sum;
    }
    for (auto& row : out.code) {
      double sum = 0;
      for (const auto value : row) sum += value;
      for (auto& value : row) value /= sum;
    }
  }
  return out;
}

double cross_entropy(const std::vector<double>& code, const std::vector<double>& scores) {
  double all = 0;
  for (const auto s : scores) all += std::exp(s / 0.1);
  double out = 0;
  for (std::size_t c = 0; c < code.size(); ++c) out -= code[c] * (scores[c] / 0.1 - std::log(all));
  return out;
}

std::size_t largest(const std::vector<double>& row) {
  return static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

double category_loss(const at::Tensor& anchors, const Coded& anchor_codes, const at::Tensor& keys,
                     const Coded& key_codes) {
  double sum = 0;
  int with_positive = 0;
  for (std::size_t a = 0; a < anchor_codes.cell.size(); ++a) {
    const auto [n, i] = anchor_codes.cell[a];
    const auto r = unit_row(anchors[n][i]);
    double all = 0;
    std::vector<double> positives;
    for (std::size_t k = 0; k < key_codes.cell.size(); ++k) {
      const auto [m, j] = key_codes.cell[k];
      const auto s = r.dot(unit_row(keys[m][j])).item<double>() / 0.2;
      all += std::exp(s);
      if (largest(key_codes.code[k]) == largest(anchor_codes.code[a])) positives.push_back(s);
    }
    if (positives.empty()) continue;
    double anchor = 0;
    for (const auto s : positives) anchor += std::log(all) - s;
    sum += anchor / static_cast<double>(positives.size());
    ++with_positive;
  }
  return sum / std::max(1, with_positive);
}

TEST_CASE("a step of DSC-PM equals its formulas, cell by cell", "[dsc_pm]") {
  for (const std::int64_t gradient_views : {1, 2}) {
    auto options = small();
    options.image_weight = 0.2;
    options.dense_weight = 0.3;
    options.semantic_weight = 0.7;
    options.gradient_views = gradient_views;
    const auto method = testing::make_dense<DscPm>(options, 2, 3);
    const auto moco = testing::moco_of(*method);
    {
      const torch::NoGradGuard no_grad;
      for (const auto& item : method->named_parameters())
        if (item.key().rfind("moco.key_", 0) == 0)
          item.value().add_(0.3 * torch::randn_like(item.value()));
    }
    auto views = testing::two_windows(2, 3);
    const auto& first = views.at("query").image();
    const auto& second = views.at("key").image();
    const auto query = moco->query(first);
    const auto key = moco->key(second);
    const auto momentum_first = moco->key(first).dense;
    const auto scored_second = gradient_views == 2 ? moco->query(second).dense : key.dense;
    const auto prototypes = method->named_parameters()["prototypes.weight"];

    const auto first_codes = coded(momentum_first, prototypes, first, options.foreground);
    const auto second_codes = coded(key.dense, prototypes, second, options.foreground);
    REQUIRE(first_codes.cell.size() < 12);
    REQUIRE(first_codes.cell.size() >= 4);
    double dense_loss = 0;
    double swap = 0;
    int pairs = 0;
    for (std::int64_t n = 0; n < 3; ++n)
      for (std::int64_t i = 0; i < 4; ++i) {
        const auto order = testing::by_cosine(query.cells[n][i], key.cells[n]);
        for (const auto j : {order[0], order[1]})
          dense_loss +=
              nce(query.dense[n][i], key.dense[n][j], moco->dense_queue().keys(), 0.2) / 24;
        const auto* code = first_codes.find(n, i);
        const auto* other = second_codes.find(n, order[0]);
        if (code == nullptr || other == nullptr) continue;
        swap += (cross_entropy(*code, scores_of(scored_second[n][order[0]], prototypes)) +
                 cross_entropy(*other, scores_of(query.dense[n][i], prototypes))) /
                2;
        ++pairs;
      }
    REQUIRE(pairs > 0);
    const auto categories = category_loss(query.dense, first_codes, key.dense, second_codes);
    REQUIRE(categories > 0);
    const auto image_loss = testing::mean_image_nce(query, key, moco->image_queue().keys(), 0.2);

    const auto result = method->step(views, {"train", 1000, 2000, true});
    const auto log = [&](const char* name) {
      return result.logs.at(std::string("dsc_pm/") + name).item<double>();
    };
    CHECK(log("image_loss") == Approx(image_loss).epsilon(1e-9));
    CHECK(log("dense_loss") == Approx(dense_loss).epsilon(1e-9));
    CHECK(log("swap_loss") == Approx(swap / pairs).epsilon(1e-9));
    CHECK(log("category_loss") == Approx(categories).epsilon(1e-9));
    CHECK(log("foreground") == Approx(static_cast<double>(first_codes.cell.size()) / 12));
    CHECK(result.loss.item<double>() ==
          Approx(0.2 * image_loss + 0.3 * dense_loss + 0.7 * (swap / pairs + categories))
              .epsilon(1e-9));
  }
}

TEST_CASE("a step of DSC-PM has the gradient of its loss where codes do not move",
          "[dsc_pm][gradient]") {
  // Codes come from momentum copies and prototypes: a change of the latter moves them, which the
  // gradient leaves out on purpose.
  auto options = small();
  testing::check_step_gradient<DscPm>(options, "prototypes");
  options.gradient_views = 2;
  testing::check_step_gradient<DscPm>(options, "prototypes");
}

TEST_CASE("with one gradient view only the first view's scores train", "[dsc_pm][gradient]") {
  auto options = small();
  const auto method = testing::make_dense<DscPm>(options);
  const auto random_cells = [] {
    return losses::unit(torch::randn({2, 4, 3}, torch::kFloat64), 2).requires_grad_();
  };
  const auto all = torch::ones({2, 4}, torch::kBool);
  DscPm::Cells cells{random_cells(), random_cells(), random_cells(), {}, all, all};
  const auto match = torch::randint(4, {2, 4});
  method->semantic(cells, match, 1000).swap_loss.backward();
  CHECK(cells.online_first.grad().abs().max().item<double>() > 0);
  CHECK_FALSE(cells.momentum_first.grad().defined());
  CHECK_FALSE(cells.momentum_second.grad().defined());
  method->semantic(cells, match, 1000).category_loss.backward();
  CHECK_FALSE(cells.momentum_second.grad().defined());

  cells.online_second = random_cells();
  method->semantic(cells, match, 1000).swap_loss.backward();
  CHECK(cells.online_second.grad().abs().max().item<double>() > 0);
}

TEST_CASE("prototypes stay as they are for 313 steps, then follow their gradient",
          "[dsc_pm][gradient]") {
  const auto method = testing::make_dense<DscPm>(small());
  auto views = testing::two_windows();
  const auto weight = method->named_parameters()["prototypes.weight"];
  method->step(views, {"train", 312, 1000, false}).loss.backward();
  CHECK_FALSE(weight.grad().defined());
  method->step(views, {"train", 313, 1000, false}).loss.backward();
  REQUIRE(weight.grad().defined());
  CHECK(weight.grad().abs().max().item<double>() > 0);
  // Of unit length again after a step.
  {
    const torch::NoGradGuard no_grad;
    weight.sub_(0.5 * weight.grad());
  }
  REQUIRE(std::abs(weight.detach()[0].norm().item<double>() - 1) > 1e-9);
  method->after_step(313, 1000);
  CHECK(testing::max_gap(weight.detach().norm(2, 1), torch::ones({4})) < 1e-12);
}

TEST_CASE("views without foreground leave the categories out", "[dsc_pm]") {
  auto options = small();
  options.foreground = 2.0;
  const auto method = testing::make_dense<DscPm>(options);
  auto views = testing::two_windows();
  const auto result = method->step(views, {"train", 1000, 2000, true});
  CHECK(result.logs.at("dsc_pm/swap_loss").item<double>() == 0.0);
  CHECK(result.logs.at("dsc_pm/category_loss").item<double>() == 0.0);
  result.loss.backward();
  for (const auto& item : method->named_parameters())
    if (item.value().grad().defined()) CHECK(item.value().grad().isfinite().all().item<bool>());
}

TEST_CASE("prototypes follow the number of axes unless they are given", "[dsc_pm]") {
  Options options;
  testing::make_small(options);
  options.crop = {12};
  options.cells = 12;
  const auto plane = testing::make_dense<DscPm>(options);
  CHECK(plane->named_parameters()["prototypes.weight"].size(0) == 256);
  options.cells = 6;
  const auto volume = testing::make_dense<DscPm>(options, 3);
  CHECK(volume->named_parameters()["prototypes.weight"].size(0) == 64);
}

TEST_CASE("DSC-PM on images and volumes, also with a batch of 1", "[dsc_pm]") {
  testing::check_whole_step<DscPm>(small());
}

TEST_CASE("DSC-PM stores keys, resumes, embeds, draws and runs in bfloat16", "[dsc_pm]") {
  testing::check_queues<DscPm>(small());
  testing::check_resumes<DscPm>(small());
  testing::check_embed<DscPm>(small());
  testing::check_draw<DscPm>(small());
  testing::check_bfloat16<DscPm>(small());
}

TEST_CASE("DSC-PM learns without collapse", "[dsc_pm][slow]") {
  Options options;
  options.prototypes = 32;
  options.frozen_steps = 20;
  testing::check_learns<DscPm>(options, 0.1);
}

TEST_CASE("scores and semantic logits take what the sheet says", "[dsc_pm][memory]") {
  // Scores 4 B S^d C bytes and semantic logits 4 (64 B)^2. Two codes and two predictions each keep
  // a few copies of the scores, the contrast a few of its logits.
  const std::int64_t batch = 4;
  const std::int64_t cells = 64;
  const std::int64_t prototypes = 96;
  Options options;
  testing::make_small(options);
  options.prototypes = prototypes;
  options.cells = 8;
  options.crop = {8};
  const InputSpec input;
  DscPm method(options, std::make_shared<testing::SmallBackbone>(input), {input, batch});
  const auto random_cells = [&] {
    return losses::unit(torch::randn({batch, cells, 3}), 2).requires_grad_();
  };
  const auto all = torch::ones({batch, cells}, torch::kBool);
  const DscPm::Cells seen{random_cells(), random_cells(), random_cells(), {}, all, all};
  const auto match = torch::randint(cells, {batch, cells});
  const auto scores = 4 * batch * cells * prototypes;
  const auto logits = 4 * (64 * batch) * (64 * batch);
  const auto peak = testing::peak_bytes([&] {
    const auto semantic = method.semantic(seen, match, 1000);
    (semantic.swap_loss + semantic.category_loss).backward();
  });
  INFO(peak << " bytes; scores " << scores << ", logits " << logits);
  CHECK(peak >= logits + scores);
  CHECK(peak < 10 * scores + 5 * logits);
}

TEST_CASE("DSC-PM says what does not fit", "[dsc_pm][errors]") {
  testing::check_shared_errors<DscPm>(small());
  auto options = small();
  options.prototypes = 9;
  CHECK_THROWS_WITH(testing::make_dense<DscPm>(options),
                    "[method] 'prototypes' is 9, but 2 views have only 8 cells to share out among "
                    "them; set fewer prototypes, or more 'cells' or samples a batch");
  options = small();
  options.neighbours = 5;
  CHECK_THROWS_WITH(testing::make_dense<DscPm>(options),
                    "[method] 'neighbours' is 5, but a view has only 4 cells");
  OptionTable table;
  for (const auto* weight : {"image_weight", "dense_weight", "semantic_weight"})
    table.set(weight, 0.0);
  CHECK_THROWS_WITH(schema_of<Options>().parse(table, "method"),
                    Catch::Contains("nothing is left to train: all three weights are 0"));
}

}  // namespace
}  // namespace covector::dsc_pm
