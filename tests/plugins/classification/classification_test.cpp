#include "support/catch.h"

#include "classification.h"

#include "covector/datasets/image.h"
#include "covector/datasets/picture.h"
#include "plugins/plain_dataset.h"
#include "plugins/segmentation/line_backbone.h"
#include "support/numeric.h"
#include "support/scratch_folder.h"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>

namespace covector::classification {
namespace {

using testing::LineBackbone;
using testing::max_gap;
using testing::PlainDataset;
using testing::ScratchFolder;
using testing::text_of;
using Names = std::vector<std::string>;

const Names kTwo{"normal", "mass"};
const Names kThree{"normal", "virus", "bacteria"};

struct Made {
  std::shared_ptr<LineBackbone> backbone;
  std::shared_ptr<Classification> task;
};

Made make(const Options& options, std::int64_t dimensions = 2, const Names& classes = kTwo) {
  auto backbone = std::make_shared<LineBackbone>(dimensions);
  TaskInput input{{1, dimensions}, {}};
  input.image_classes = classes;
  auto task = std::make_shared<Classification>(options, backbone, input);
  task->to(torch::kFloat64);
  return {backbone, task};
}

at::Tensor parameter(const Classification& task, const std::string& name) {
  return task.named_parameters()[name];
}

Batch batch_of(const at::Tensor& image, const std::vector<std::int64_t>& classes) {
  Batch batch{image, {}, Names(static_cast<std::size_t>(image.size(0)), "x")};
  if (!classes.empty()) batch.image_class = torch::tensor(classes, torch::kInt64);
  return batch;
}

/// A task of two classes that says log(p / (1 - p)) = mean of the image.
std::shared_ptr<Classification> mean_task(std::int64_t dimensions = 2) {
  auto task = make({}, dimensions).task;
  parameter(*task, "head.weight").data().copy_(torch::tensor({{0.0, 0.0, 0.0}, {1.0, 0.0, 0.0}}));
  parameter(*task, "head.bias").data().zero_();
  return task;
}

TEST_CASE("classification's loss is the cross-entropy of the pooled encoder's linear answer",
          "[classification]") {
  torch::manual_seed(3);
  for (const auto& size : {std::vector<std::int64_t>{4, 6}, std::vector<std::int64_t>{2, 4, 4}}) {
    const auto [backbone, task] = make({}, static_cast<std::int64_t>(size.size()), kThree);
    std::vector<std::int64_t> shape{2, 1};
    shape.insert(shape.end(), size.begin(), size.end());
    View view(batch_of(torch::randn(shape, torch::kFloat64), {2, 0}));
    const auto step = task->step(view);
    // Features are (x, 2 x + 1, 5), so their means follow from that of x.
    double loss = 0, right = 0;
    for (const std::int64_t n : {0, 1}) {
      const auto mean = view.image()[n].mean().item<double>();
      const std::array<double, 3> h{mean, 2 * mean + 1, 5};
      std::array<double, 3> score{};
      double sum = 0;
      for (std::int64_t k = 0; k < 3; ++k) {
        score[k] = parameter(*task, "head.bias")[k].item<double>();
        for (std::int64_t c = 0; c < 3; ++c)
          score[k] += parameter(*task, "head.weight")[k][c].item<double>() * h[c];
        sum += std::exp(score[k]);
      }
      const auto truth = n == 0 ? 2 : 0;
      loss -= std::log(std::exp(score[truth]) / sum) / 2;
      if (std::max_element(score.begin(), score.end()) == score.begin() + truth) right += 0.5;
    }
    CHECK(step.loss.item<double>() == Approx(loss).epsilon(1e-12));
    CHECK(step.logs.at("classification/accuracy").item<double>() == right);
    step.loss.backward();
    CHECK(parameter(*task, "backbone.encoder.scale").grad().abs().sum().item<double>() > 0);
  }
}

TEST_CASE("fine-tuning trains the encoder and the linear layer, a probe the latter alone",
          "[classification]") {
  const auto names = [](const Options& options) {
    const auto [backbone, task] = make(options);
    std::string learning;
    for (const auto& item : task->named_parameters())
      if (item.value().requires_grad()) learning += item.key() + " ";
    CHECK(task->trained().size() ==
          static_cast<std::size_t>(std::count(learning.begin(), learning.end(), ' ')));
    task->eval();
    task->train();
    CHECK(task->is_training());
    return std::tuple(learning, backbone->encoder->is_training(), backbone->decoder->is_training());
  };
  using Answer = std::tuple<std::string, bool, bool>;
  const std::string head = "head.weight head.bias ";
  CHECK(names({}) == Answer("backbone.encoder.scale " + head, true, false));
  CHECK(names({.mode = "linear_probe"}) == Answer(head, false, false));
}

TEST_CASE("a classifier's probe leaves the backbone as it was", "[classification]") {
  torch::manual_seed(6);
  const auto [backbone, task] = make({.mode = "linear_probe"});
  std::vector<at::Tensor> before;
  for (const auto& p : backbone->parameters()) before.push_back(p.clone());
  View view(batch_of(torch::randn({2, 1, 4, 4}, torch::kFloat64), {0, 1}));
  task->step(view).loss.backward();
  CHECK_FALSE(backbone->saw_gradient);
  for (const auto& p : task->trained()) {
    CHECK(p.grad().abs().sum().item<double>() > 0);
    p.data().sub_(p.grad());
  }
  const auto after = backbone->parameters();
  for (std::size_t i = 0; i < before.size(); ++i) {
    CHECK_FALSE(after[i].grad().defined());
    CHECK(torch::equal(after[i], before[i]));
  }
}

TEST_CASE("a probe's pooled features have mean 0 and deviation 1 over the training images",
          "[classification]") {
  const auto [backbone, task] = make({.mode = "linear_probe"});
  // Means 2 and 6: mean 4, deviation 2. The second channel is 2 x + 1; the third is constant.
  const auto images = std::vector{torch::tensor({{1., 2.}, {2., 3.}}, torch::kFloat64),
                                  torch::tensor({{5., 6.}, {6., 7.}}, torch::kFloat64)};
  task->begin({2, [&](std::int64_t i) { return batch_of(images[i].view({1, 1, 2, 2}), {0}); }});
  CHECK(max_gap(task->named_buffers()["feature_mean"],
                torch::tensor({4.0, 9.0, 5.0}, torch::kFloat64)) < 1e-14);
  CHECK(max_gap(task->named_buffers()["feature_deviation"],
                torch::tensor({2.0, 4.0, 1.0}, torch::kFloat64)) < 1e-14);
  parameter(*task, "head.weight").data().copy_(torch::tensor({{1., 0., 0.}, {0., 1., 1.}}));
  parameter(*task, "head.bias").data().zero_();
  CHECK(max_gap(task->logits(images[1].view({1, 1, 2, 2})),
                torch::tensor({{1.0, 1.0}}, torch::kFloat64)) < 1e-14);
  CHECK(make({.mode = "linear_probe", .features = "raw"}).task->buffers().empty());
  CHECK(make({}).task->buffers().empty());
}

TEST_CASE("images that the encoder cannot take are padded for it", "[classification]") {
  // 3 x 3 ones become 4 x 4: the mean is 9 / 16.
  const auto scores = mean_task()->logits(torch::ones({1, 1, 3, 3}, torch::kFloat64));
  CHECK(scores[0][1].item<double>() == Approx(9.0 / 16).epsilon(1e-14));
}

/// The one value of a metric and label; the test fails when there is none or more.
template <class Values>
auto value_of(const Values& values, const std::string& metric, const std::string& label) {
  std::vector<typename Values::value_type> found;
  for (const auto& v : values)
    if (v.metric == metric && v.label == label) found.push_back(v);
  REQUIRE(found.size() == 1);
  return found[0];
}

CaseResult measured(const std::shared_ptr<Classification>& task, double mean, std::int64_t truth) {
  return task->evaluate(batch_of(torch::full({1, 1, 2, 2}, mean, torch::kFloat64), {truth}), {});
}

TEST_CASE("a classified case's values, by hand", "[classification]") {
  const auto task = mean_task();
  task->train();
  // log odds log 3: the scores are 1/4 and 3/4.
  const auto result = measured(task, std::log(3.0), 0);
  CHECK(task->is_training());
  CHECK(result.id == "x");
  CHECK(result.truth == "normal");
  CHECK(result.prediction == "mass");
  CHECK(*value_of(result.values, "score", "normal").value == Approx(0.25).epsilon(1e-12));
  CHECK(*value_of(result.values, "score", "mass").value == Approx(0.75).epsilon(1e-12));
  CHECK(*value_of(result.values, "log_loss", "").value == Approx(std::log(4.0)).epsilon(1e-12));
  CHECK(*value_of(result.values, "accuracy", "normal").value == 0.0);
  CHECK(*value_of(measured(task, 0.1, 1).values, "accuracy", "mass").value == 100.0);
}

TEST_CASE("what two classes are told of all cases together, by hand", "[classification]") {
  const auto task = mean_task();
  // Called mass above 0. Masses at 2 and -1, normal ones at 1, -1 and -2: of six pairs four are in
  // order and one ties.
  const auto values =
      task->evaluate_set({measured(task, 2, 1), measured(task, -1, 1), measured(task, 1, 0),
                          measured(task, -1, 0), measured(task, -2, 0)});
  CHECK(values.size() == 5);
  const auto auc = value_of(values, "AUC", "mass");
  CHECK(*auc.value == Approx(100 * 4.5 / 6).epsilon(1e-12));
  CHECK(auc.low);
  CHECK(auc.contributions.size() == 5);
  CHECK(*value_of(values, "sensitivity", "mass").value == 50.0);
  CHECK(*value_of(values, "specificity", "mass").value == Approx(200.0 / 3).epsilon(1e-12));
  CHECK(*value_of(values, "balanced_accuracy", "mass").value == 50.0);
  CHECK(*value_of(values, "balanced_accuracy", "normal").value == Approx(200.0 / 3).epsilon(1e-12));
  for (const auto& metric : task->metrics()) {
    const auto is = [&](const auto& v) { return v.metric == metric.name; };
    CHECK((std::any_of(values.begin(), values.end(), is) || metric.name == "log_loss" ||
           metric.name == "accuracy"));
  }
  CHECK(task->metrics().front().name == task->main_metric());
}

TEST_CASE("three classes are measured one against the others", "[classification]") {
  const auto task = make({}, 2, kThree).task;
  // Scores as they are written: the case's truth, then that of each class.
  const auto one = [](const std::string& truth, const std::string& called, double a, double b,
                      double c) {
    return CaseResult{
        "x",
        {{"score", "normal", a, ""}, {"score", "virus", b, ""}, {"score", "bacteria", c, ""}},
        truth,
        called};
  };
  const auto values = task->evaluate_set(
      {one("normal", "normal", 0.6, 0.3, 0.1), one("normal", "virus", 0.4, 0.5, 0.1),
       one("virus", "virus", 0.2, 0.5, 0.3), one("virus", "normal", 0.5, 0.2, 0.3)});
  CHECK(values.size() == 6);
  // normal: 0.6 and 0.4 against 0.2 and 0.5: three of four pairs
  CHECK(*value_of(values, "AUC", "normal").value == Approx(75.0).epsilon(1e-12));
  // virus: 0.5 and 0.2 against 0.3 and 0.5: 1 + 1/2 + 0 + 0
  CHECK(*value_of(values, "AUC", "virus").value == Approx(37.5).epsilon(1e-12));
  const auto absent = value_of(values, "AUC", "bacteria");
  CHECK_FALSE(absent.value);
  CHECK(absent.note == "no case is of the class");
  CHECK(*value_of(values, "balanced_accuracy", "virus").value == 50.0);
  CHECK(value_of(values, "balanced_accuracy", "bacteria").note == "no case is of the class");
  const auto metrics = task->metrics();
  CHECK(std::none_of(metrics.begin(), metrics.end(),
                     [](const Metric& m) { return m.name == "sensitivity"; }));
}

TEST_CASE("what one class alone does not tell is no number", "[classification][errors]") {
  const auto task = mean_task();
  const auto normal = task->evaluate_set({measured(task, 1, 0), measured(task, -1, 0)});
  CHECK_FALSE(value_of(normal, "AUC", "mass").value);
  CHECK(value_of(normal, "AUC", "mass").note == "no case is of the class");
  CHECK(value_of(normal, "sensitivity", "mass").note == "no case is of the class");
  CHECK(*value_of(normal, "specificity", "mass").value == 50.0);
  const auto mass = task->evaluate_set({measured(task, 1, 1)});
  CHECK(value_of(mass, "AUC", "mass").note == "every case is of the class");
  CHECK(value_of(mass, "specificity", "mass").note == "every case is of the class");
  CHECK(value_of(mass, "balanced_accuracy", "normal").note == "no case is of the class");
}

TEST_CASE("a classified picture is framed in the colours of truth and prediction",
          "[classification]") {
  const ScratchFolder folder;
  auto image = torch::zeros({1, 1, 3, 8, 10}, torch::kFloat64);
  image[0][0][1].fill_(3);  // the middle slice
  auto batch = batch_of(image, {0});
  batch.ids = {"case-1"};
  mean_task(3)->draw(batch, folder.path());
  const auto picture = datasets::read_image(folder.path() / "case-1.png").pixels;
  REQUIRE(picture.sizes() == at::IntArrayRef({3, 16, 18}));  // two frames of 2 pixels
  const auto colour = [&](std::int64_t row, std::int64_t column) {
    return std::array<std::uint8_t, 3>{picture[0][row][column].item<std::uint8_t>(),
                                       picture[1][row][column].item<std::uint8_t>(),
                                       picture[2][row][column].item<std::uint8_t>()};
  };
  CHECK(colour(0, 0) == datasets::label_colour(1));  // normal it is
  CHECK(colour(15, 17) == datasets::label_colour(1));
  CHECK(colour(2, 2) == datasets::label_colour(2));             // called a mass
  CHECK(colour(4, 4) == std::array<std::uint8_t, 3>{0, 0, 0});  // one value: black
  batch.image_class.reset();
  mean_task(3)->draw(batch, folder.path());
  CHECK(datasets::read_image(folder.path() / "case-1.png").pixels.size(1) == 12);
}

TEST_CASE("scores are written one row an image", "[classification]") {
  const ScratchFolder folder;
  const auto zero = folder.path() / "zero.png", one = folder.path() / "one, \"two\".png";
  datasets::write_png(torch::zeros({1, 2, 2}, torch::kUInt8), zero);
  datasets::write_png(torch::ones({1, 2, 2}, torch::kUInt8), one);
  const auto out = folder.path() / "out";
  const auto written = mean_task()->predict({one, zero}, out, PlainDataset(2), torch::kCPU);
  REQUIRE(written == std::vector<std::filesystem::path>{out / "predictions.csv"});
  // e / (1 + e) = 0.731058579
  CHECK(text_of(written[0]) == "file,prediction,score_normal,score_mass\n\"" +
                                   folder.path().string() +
                                   "/one, \"\"two\"\".png\",mass,0.268941421,0.731058579\n" +
                                   zero.string() + ",normal,0.5,0.5\n");
}

TEST_CASE("classification names each file that fails and overwrites none",
          "[classification][errors]") {
  using Catch::Matchers::Contains;
  const ScratchFolder folder;
  const auto good = folder.path() / "good.png", bad = folder.path() / "bad.png";
  datasets::write_png(torch::zeros({1, 2, 2}, torch::kUInt8), good);
  std::ofstream(bad) << "no image";
  const auto file = (folder.path() / "out/predictions.csv").string();
  const auto predict = [&] {
    mean_task()->predict({bad, good}, folder.path() / "out", PlainDataset(2), torch::kCPU);
  };
  CHECK_THROWS_WITH(predict(),
                    Contains("1 of 2 images could not be classified; the others are in " + file +
                             ":\n  " + bad.string()));
  CHECK_THAT(text_of(file), Contains(good.string() + ",normal,"));
  CHECK_THROWS_WITH(predict(), file + " exists already; choose another folder");
  CHECK_THROWS_WITH(
      mean_task()->predict({good}, good / "out", PlainDataset(2), torch::kCPU),
      Contains("cannot make the folder " + (good / "out").string() + ": Not a directory"));
}

TEST_CASE("classification's training view is as that of segmentation", "[classification]") {
  const auto chain = [](const Options& options, std::int64_t dimensions) {
    const auto spec = make(options, dimensions).task->view();
    CHECK(spec.name == "train");
    std::string text;
    for (const auto& part : spec.chain) text += to_toml(part) + "\n";
    return text;
  };
  CHECK(chain({}, 2).empty());
  CHECK(chain({.crop = {64}}, 3) == "{ type = \"crop\", size = [64, 64, 64] }\n");
  CHECK(chain({.augment = "light"}, 2) ==
        "{ type = \"affine\", degree = 0.5 }\n"
        "{ type = \"contrast\", factor = [0.75, 1.25] }\n"
        "{ type = \"brightness\", std = 0.05 }\n");
}

TEST_CASE("classification names the options and images that do not fit",
          "[classification][errors]") {
  CHECK_THROWS_WITH(make({.crop = {8, 8, 8}}),
                    "[task] is not valid:\n  'crop' [8, 8, 8] has 3 sides, but the images have 2 "
                    "dimensions");
  CHECK_THROWS_WITH(make({}, 2, {}),
                    "[task] is not valid:\n  the dataset names 0 classes of images; classification "
                    "needs two or more: give [dataset.classes] names");
  const auto image = torch::zeros({1, 1, 4, 4}, torch::kFloat64);
  auto batch = batch_of(image, {});
  batch.ids = {"case-7"};
  View unlabelled(batch);
  CHECK_THROWS_WITH(make({}).task->step(unlabelled),
                    "task 'classification': image 'case-7' has no class");
  CHECK_THROWS_WITH(make({}).task->evaluate(batch, {}),
                    "task 'classification': image 'case-7' has no class");
  batch.image_class = torch::tensor({7}, torch::kInt64);
  CHECK_THROWS_WITH(make({}).task->evaluate(batch, {}),
                    "task 'classification': image 'case-7' is of class 7, but the dataset names 2 "
                    "classes");
  CHECK_THROWS_WITH(make({.mode = "linear_probe"}).task->begin({0, {}}),
                    "task 'classification': there is no training image");
}

TEST_CASE("classification refuses options that contradict each other", "[classification][errors]") {
  using Catch::Matchers::Contains;
  const auto parse = [](const OptionTable& table) { schema_of<Options>().parse(table, "task"); };
  CHECK_THROWS_WITH(parse({{"features", "raw"}}),
                    Contains("'features' belongs to mode = \"linear_probe\"; fine-tuning always "
                             "sees raw ones"));
  CHECK_THROWS_WITH(parse({{"mode", "probe"}}),
                    Contains("'mode' must be one of \"fine_tune\", \"linear_probe\""));
  CHECK_THROWS_WITH(parse({{"augment", "strong"}}),
                    Contains("'augment' must be one of \"none\", \"light\""));
  CHECK_THROWS_WITH(parse({{"crop", OptionArray{0}}}), Contains("'crop' must be at least 1"));
  const auto schema = schema_of<Options>();
  CHECK_NOTHROW(schema.parse(schema.dump({.mode = "linear_probe"}), "task"));
}

}  // namespace
}  // namespace covector::classification
