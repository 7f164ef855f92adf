#include "support/catch.h"

#include "segmentation.h"

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

namespace covector::segmentation {
namespace {

using testing::LineBackbone;
using testing::max_gap;
using testing::PlainDataset;
using testing::ScratchFolder;

const std::vector<std::string> kClasses{"background", "liver", "aorta"};

TaskInput input(std::int64_t dimensions, std::vector<std::string> classes = kClasses) {
  return {{1, dimensions}, std::move(classes)};
}

struct Made {
  std::shared_ptr<LineBackbone> backbone;
  std::shared_ptr<Segmentation> task;
};

Made make(const Options& options, std::int64_t dimensions = 2,
          std::vector<std::string> classes = kClasses) {
  auto backbone = std::make_shared<LineBackbone>(dimensions);
  auto task =
      std::make_shared<Segmentation>(options, backbone, input(dimensions, std::move(classes)));
  task->to(torch::kFloat64);
  return {backbone, task};
}

at::Tensor parameter(const Segmentation& task, const std::string& name) {
  return task.named_parameters()[name];
}

View labelled_view(at::IntArrayRef size) {
  std::vector<std::int64_t> shape{2, 1};
  shape.insert(shape.end(), size.begin(), size.end());
  return View(Batch{torch::randn(shape, torch::kFloat64),
                    torch::randint(0, 3, shape, torch::kInt64),
                    {"a", "b"}});
}

/// GVSL Dice plus cross-entropy by loops over voxels, from the formulas of the header.
double loss_by_loops(const at::Tensor& logits, const at::Tensor& label) {
  const auto n = logits.size(0), k = logits.size(1);
  const auto scores = logits.flatten(2), truth = label.flatten(1);
  double dice = 0, entropy = 0;
  for (std::int64_t b = 0; b < n; ++b) {
    std::vector<double> both(k), predicted(k), held(k);
    for (std::int64_t v = 0; v < scores.size(2); ++v) {
      double sum = 0;
      for (std::int64_t c = 0; c < k; ++c) sum += std::exp(scores[b][c][v].item<double>());
      for (std::int64_t c = 0; c < k; ++c) {
        const auto p = std::exp(scores[b][c][v].item<double>()) / sum;
        const auto y = truth[b][v].item<std::int64_t>() == c ? 1.0 : 0.0;
        both[c] += p * y;
        predicted[c] += p * p;
        held[c] += y * y;
        entropy -= y * std::log(p) / static_cast<double>(n * scores.size(2));
      }
    }
    for (std::int64_t c = 0; c < k; ++c)
      dice += (2 * both[c] + 1) / (predicted[c] + held[c] + 1) / static_cast<double>(n * k);
  }
  return 1 - dice + entropy;
}

TEST_CASE("segmentation's loss is GVSL Dice plus cross-entropy of the head's output",
          "[segmentation]") {
  torch::manual_seed(3);
  for (const auto& size : {std::vector<std::int64_t>{4, 6}, std::vector<std::int64_t>{2, 4, 4}}) {
    const auto [backbone, task] = make({.head_kernel = 1}, static_cast<std::int64_t>(size.size()));
    auto view = labelled_view(size);
    // Features are (x, 2 x + 1, 5); a kernel of one voxel is a matrix.
    const auto x = view.image();
    const auto features = torch::cat({x, 2 * x + 1, torch::full_like(x, 5)}, 1);
    const auto weight = parameter(*task, "head.weight").flatten(1);
    const auto logits =
        torch::matmul(features.movedim(1, -1), weight.t()) + parameter(*task, "head.bias");
    const auto step = task->step(view);
    CHECK(step.loss.item<double>() ==
          Approx(loss_by_loops(logits.movedim(-1, 1), *view.label())).epsilon(1e-12));
    CHECK((step.logs.at("segmentation/dice_loss") + step.logs.at("segmentation/cross_entropy"))
              .item<double>() == Approx(step.loss.item<double>()).epsilon(1e-12));
    step.loss.backward();
    CHECK(parameter(*task, "backbone.encoder.scale").grad().abs().sum().item<double>() > 0);
  }
}

TEST_CASE("the variants of the loss weigh and form as they say", "[segmentation]") {
  torch::manual_seed(4);
  auto view = labelled_view({4, 4});
  const auto logs = [&](const Options& options) {
    torch::manual_seed(5);
    auto step = make(options).task->step(view);
    return std::tuple(step.loss.item<double>(),
                      step.logs.at("segmentation/dice_loss").item<double>(),
                      step.logs.at("segmentation/cross_entropy").item<double>());
  };
  const auto [total, dice, entropy] = logs({});
  CHECK(total == Approx(dice + entropy).epsilon(1e-12));
  const auto [swin, swin_dice, swin_entropy] =
      logs({.dice = "transunet", .dice_weight = 0.6, .cross_entropy_weight = 0.4});
  CHECK(swin == Approx(0.6 * swin_dice + 0.4 * swin_entropy).epsilon(1e-12));
  CHECK(swin_dice != Approx(dice).epsilon(1e-6));
  CHECK(swin_entropy == Approx(entropy).epsilon(1e-12));
  // A third of it with three classes, but for the 1e-6 inside the logarithm.
  const auto gvsl_entropy = std::get<2>(logs({.cross_entropy = "gvsl"}));
  CHECK(gvsl_entropy == Approx(entropy / 3).epsilon(1e-3));
}

TEST_CASE("a linear probe leaves the backbone as it was", "[segmentation]") {
  torch::manual_seed(6);
  const auto [backbone, task] = make({.mode = "linear_probe"});
  std::vector<at::Tensor> before;
  for (const auto& p : backbone->parameters()) before.push_back(p.clone());
  task->train();
  CHECK(task->is_training());
  CHECK_FALSE(backbone->is_training());
  CHECK_FALSE(backbone->encoder->is_training());
  REQUIRE(task->trained().size() == 2);  // the head's weight and bias

  auto view = labelled_view({4, 4});
  const auto step = task->step(view);
  step.loss.backward();
  CHECK_FALSE(backbone->saw_gradient);
  for (const auto& p : task->trained()) p.data().sub_(p.grad());
  const auto after = backbone->parameters();
  for (std::size_t i = 0; i < before.size(); ++i) {
    CHECK_FALSE(after[i].grad().defined());
    CHECK(torch::equal(after[i], before[i]));
  }
}

TEST_CASE("a probe's features have mean 0 and deviation 1 over the training images",
          "[segmentation]") {
  const auto [backbone, task] = make({.mode = "linear_probe", .head_kernel = 1});
  const auto images = std::vector{torch::tensor({{1., 2.}, {3., 4.}}, torch::kFloat64),
                                  torch::tensor({{5., 6.}, {7., 8.}}, torch::kFloat64)};
  task->begin({2, [&](std::int64_t i) { return Batch{images[i].view({1, 1, 2, 2}), {}, {"x"}}; }});
  // 1 .. 8: mean 4.5, variance (8^2 - 1) / 12 = 5.25. The second channel is 2 x + 1. The third is
  // constant: it is moved to 0 and not divided.
  const auto deviation = std::sqrt(5.25);
  CHECK(max_gap(task->named_buffers()["feature_mean"],
                torch::tensor({4.5, 10.0, 5.0}, torch::kFloat64)) < 1e-14);
  CHECK(max_gap(task->named_buffers()["feature_deviation"],
                torch::tensor({deviation, 2 * deviation, 1.0}, torch::kFloat64)) < 1e-13);

  parameter(*task, "head.weight").data().copy_(torch::eye(3).view({3, 3, 1, 1}));
  parameter(*task, "head.bias").data().zero_();
  const auto logits = task->logits(images[1].view({1, 1, 2, 2}));
  CHECK(logits[0][0][1][1].item<double>() == Approx(3.5 / deviation).epsilon(1e-13));
  CHECK(logits[0][1][1][1].item<double>() == Approx(3.5 / deviation).epsilon(1e-13));
  CHECK(logits[0][2][1][1].item<double>() == 0.0);
}

TEST_CASE("raw features and fine-tuning keep no statistics", "[segmentation]") {
  CHECK(make({.mode = "linear_probe", .features = "raw"}).task->buffers().empty());
  CHECK(make({}).task->buffers().empty());
}

TEST_CASE("'train' picks the modules that learn", "[segmentation]") {
  const auto names = [](const Options& options) {
    const auto [backbone, task] = make(options);
    std::string learning;
    for (const auto& item : task->named_parameters())
      if (item.value().requires_grad()) learning += item.key() + " ";
    CHECK(task->trained().size() ==
          static_cast<std::size_t>(std::count(learning.begin(), learning.end(), ' ')));
    task->train();
    return std::tuple(learning, backbone->encoder->is_training(), backbone->decoder->is_training());
  };
  using Answer = std::tuple<std::string, bool, bool>;
  const std::string head = "head.weight head.bias ";
  CHECK(names({}) == Answer("backbone.encoder.scale backbone.decoder.shift " + head, true, true));
  CHECK(names({.train = "encoder+head"}) == Answer("backbone.encoder.scale " + head, true, false));
  CHECK(names({.train = "decoder+head"}) == Answer("backbone.decoder.shift " + head, false, true));
  CHECK(names({.train = "head"}) == Answer(head, false, false));
}

TEST_CASE("images that the backbone cannot take are padded for it", "[segmentation]") {
  torch::manual_seed(7);
  const auto [backbone, task] = make({.head_kernel = 1});
  const auto image = torch::randn({1, 1, 5, 7}, torch::kFloat64);
  const auto logits = task->logits(image);
  CHECK(logits.sizes() == at::IntArrayRef({1, 3, 5, 7}));
  // The head sees single voxels, so what lies around them makes no difference.
  CHECK(max_gap(task->logits(image.slice(2, 1, 3).slice(3, 2, 4)),
                logits.slice(2, 1, 3).slice(3, 2, 4)) < 1e-14);
}

// A task whose class is 1 exactly where the image is above one half and 2 where it is above 1.5.
std::shared_ptr<Segmentation> thresholding_task(std::int64_t dimensions, Options options = {}) {
  options.head_kernel = 1;
  auto task = make(options, dimensions).task;
  auto weight = parameter(*task, "head.weight").data().zero_().flatten(1);
  weight[1][0] = 1;
  weight[2][0] = 2;
  parameter(*task, "head.bias").data().copy_(torch::tensor({0.0, -0.5, -2.0}));
  return task;
}

// The one value of a metric and class; the test fails when there is none or more.
CaseValue value_of(const CaseResult& result, const std::string& metric, const std::string& label) {
  std::vector<CaseValue> found;
  for (const auto& v : result.values)
    if (v.metric == metric && v.label == label) found.push_back(v);
  REQUIRE(found.size() == 1);
  return found[0];
}

TEST_CASE("a case's metrics, by hand", "[segmentation]") {
  const auto task = thresholding_task(2);
  // One row: truth has the liver at columns 2 to 5, the image shows it at 2 to 7. There is no
  // aorta.
  auto image = torch::zeros({1, 1, 6, 12}, torch::kFloat64);
  auto label = torch::zeros({1, 1, 6, 12}, torch::kInt64);
  image.slice(2, 3, 4).slice(3, 2, 8).fill_(1);
  label.slice(2, 3, 4).slice(3, 2, 6).fill_(1);
  const Geometry mm{{3.0, 0.5}, {0, 0}, {1, 0, 0, 1}};
  const auto result = task->evaluate({image, label, {"case"}}, mm);
  CHECK(result.id == "case");
  // 4 voxels in common, 6 and 4 in each
  CHECK(*value_of(result, "DSC", "liver").value == Approx(80.0).epsilon(1e-12));
  // Every voxel is surface. From the prediction: 0 0 0 0 0.5 1 mm, whose 95th percentile lies at
  // position 4.75 of 0 .. 5: 0.5 + 0.75 * 0.5; from the truth all 0.
  CHECK(*value_of(result, "HD95", "liver").value == Approx(0.875).epsilon(1e-12));
  CHECK(*value_of(result, "ASSD", "liver").value == Approx(1.5 / 10).epsilon(1e-12));
  for (const auto* metric : {"DSC", "HD95", "ASSD"}) {
    const auto absent = value_of(result, metric, "aorta");
    CHECK_FALSE(absent.value);
    CHECK_FALSE(absent.note.empty());
  }
  // Without spacing the same distances are in voxels, under names of their own.
  const auto voxels = task->evaluate({image, label, {"case"}}, {});
  CHECK(*value_of(voxels, "HD95_voxels", "liver").value == Approx(1.75).epsilon(1e-12));
  CHECK(*value_of(voxels, "ASSD_voxels", "liver").value == Approx(0.3).epsilon(1e-12));
  for (const auto& v : voxels.values) CHECK((v.metric != "HD95" && v.metric != "ASSD"));
}

TEST_CASE("a structure that only one map holds scores 0 and has no distance", "[segmentation]") {
  const auto task = thresholding_task(3, {.window = {4}});
  auto image = torch::zeros({1, 1, 5, 6, 7}, torch::kFloat64);
  auto label = torch::zeros({1, 1, 5, 6, 7}, torch::kInt64);
  image.slice(2, 1, 3).fill_(1);  // a liver that is not there
  label.slice(3, 4, 6).fill_(2);  // an aorta that is missed
  const auto result =
      task->evaluate({image, label, {"case"}}, {{1, 1, 1}, {0, 0, 0}, {1, 0, 0, 0, 1, 0, 0, 0, 1}});
  for (const auto* structure : {"liver", "aorta"}) {
    CHECK(*value_of(result, "DSC", structure).value == 0.0);
    CHECK_FALSE(value_of(result, "HD95", structure).value);
    CHECK_FALSE(value_of(result, "ASSD", structure).value);
  }
  CHECK(value_of(result, "HD95", "liver").note == "truth is empty");
  CHECK(value_of(result, "HD95", "aorta").note == "prediction is empty");
}

TEST_CASE("measuring leaves no trace in the task", "[segmentation]") {
  const auto task = thresholding_task(2);
  task->train();
  task->segment(torch::zeros({1, 1, 4, 4}, torch::kFloat64));
  CHECK(task->is_training());
  CHECK(at::GradMode::is_enabled());
  for (const auto& metric : task->metrics()) CHECK_FALSE(metric.unit.empty());
  CHECK(task->metrics().front().name == task->main_metric());
}

TEST_CASE("a picture shows image, truth and prediction side by side", "[segmentation]") {
  const ScratchFolder folder;
  auto image = torch::zeros({1, 1, 3, 8, 10}, torch::kFloat64);
  image[0][0][2].slice(0, 2, 6).slice(1, 2, 6).fill_(1);
  auto label = torch::zeros({1, 1, 3, 8, 10}, torch::kInt64);
  label[0][0][2].slice(0, 2, 6).slice(1, 4, 8).fill_(2);
  thresholding_task(3)->draw({image, label, {"case-1"}}, folder.path());
  // Three pictures of 10 columns with gaps of 4 between.
  const auto picture = datasets::read_image(folder.path() / "case-1.png").pixels;
  REQUIRE(picture.sizes() == at::IntArrayRef({3, 8, 38}));
  const auto colour = [&](std::int64_t row, std::int64_t column) {
    return std::array<std::uint8_t, 3>{picture[0][row][column].item<std::uint8_t>(),
                                       picture[1][row][column].item<std::uint8_t>(),
                                       picture[2][row][column].item<std::uint8_t>()};
  };
  // Corners of the structures, which outlines paint solid; slice 2 is the one with most voxels.
  CHECK(colour(2, 14 + 4) == datasets::label_colour(2));
  CHECK(colour(2, 28 + 2) == datasets::label_colour(1));
  CHECK(colour(2, 2) == std::array<std::uint8_t, 3>{255, 255, 255});
  // Without truth there are two.
  thresholding_task(3)->draw({image, {}, {"case-2"}}, folder.path());
  CHECK(datasets::read_image(folder.path() / "case-2.png").pixels.size(2) == 24);
}

TEST_CASE("masks are written in the geometry of their images", "[segmentation]") {
  const ScratchFolder folder;
  const auto task = thresholding_task(3, {.window = {4}});
  const Geometry geometry{{2.0, 1.5, 0.75}, {-10, 20, 30}, {0, 1, 0, -1, 0, 0, 0, 0, 1}};
  torch::manual_seed(8);
  const auto classes = torch::randint(0, 3, {1, 5, 6, 7}, torch::kFloat32);
  const auto input = folder.path() / "scan.nii.gz";
  datasets::write_image({classes, geometry, {}}, input);
  const auto written =
      task->predict({input}, folder.path() / "masks", PlainDataset(3, kClasses), torch::kCPU);
  REQUIRE(written.size() == 1);
  CHECK(written[0] == folder.path() / "masks/scan.nii.gz");
  const auto mask = datasets::read_image(written[0]);
  CHECK(max_gap(mask.pixels, classes) == 0.0);
  CHECK(mask.info.stored_type == "uint8");
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(mask.geometry.spacing_mm[i] == Approx(geometry.spacing_mm[i]).epsilon(1e-6));
    CHECK(mask.geometry.origin_mm[i] == Approx(geometry.origin_mm[i]).epsilon(1e-6));
  }
  for (std::size_t i = 0; i < 9; ++i)
    CHECK(mask.geometry.direction[i] == Approx(geometry.direction[i]).margin(1e-6));
}

TEST_CASE("prediction names each file that fails and overwrites none", "[segmentation][errors]") {
  using Catch::Matchers::Contains;
  const ScratchFolder folder;
  const auto task = thresholding_task(3);
  const auto good = folder.path() / "good.nii.gz", bad = folder.path() / "bad.nii.gz";
  datasets::write_image({torch::zeros({1, 4, 4, 4}), {}, {}}, good);
  std::ofstream(bad) << "no image";
  const auto masks = folder.path() / "masks";
  const auto predict = [&](const std::vector<std::filesystem::path>& inputs) {
    task->predict(inputs, masks, PlainDataset(3, kClasses), torch::kCPU);
  };
  CHECK_THROWS_WITH(
      predict({bad, good}),
      Contains("1 of 2 images could not be segmented; the masks of the others are in " +
               masks.string() + ":\n  " + bad.string()));
  CHECK(std::filesystem::exists(masks / "good.nii.gz"));
  CHECK_THROWS_WITH(predict({good}),
                    "no mask was written, for some would be lost; choose another folder:\n  " +
                        (masks / "good.nii.gz").string() + " exists already");
  CHECK_THROWS_WITH(predict({"a/x.nii", "b/x.mha"}),
                    "no mask was written, for some would be lost; choose another folder:\n  "
                    "b/x.mha and a/x.nii would both become " +
                        (masks / "x.nii.gz").string());
}

TEST_CASE("the training view is a crop, and more only when it is asked for", "[segmentation]") {
  const auto chain = [](const Options& options, std::int64_t dimensions) {
    const auto spec = make(options, dimensions).task->view();
    CHECK(spec.name == "train");
    std::string text;
    for (const auto& part : spec.chain) text += to_toml(part) + "\n";
    return text;
  };
  CHECK(chain({}, 2).empty());
  CHECK(chain({.crop = {64}}, 3) == "{ type = \"crop\", size = [64, 64, 64] }\n");
  CHECK(chain({.crop = {64, 32}, .augment = "light"}, 2) ==
        "{ type = \"affine\", degree = 0.5 }\n"
        "{ type = \"crop\", size = [64, 32] }\n"
        "{ type = \"contrast\", factor = [0.75, 1.25] }\n"
        "{ type = \"brightness\", std = 0.05 }\n");
}

TEST_CASE("segmentation names the options that do not fit", "[segmentation][errors]") {
  CHECK_THROWS_WITH(make({.crop = {8, 8, 8}}),
                    "[task] is not valid:\n  'crop' [8, 8, 8] has 3 sides, but the images have 2 "
                    "dimensions");
  CHECK_THROWS_WITH(make({.window = {8, 8}}, 3),
                    "[task] is not valid:\n  'window' [8, 8] has 2 sides, but the images have 3 "
                    "dimensions");
  const auto too_few = [](const std::string& count) {
    return "[task] is not valid:\n  the dataset names " + count +
           " classes; segmentation needs background and at least one more: give "
           "[dataset.labels] groups";
  };
  CHECK_THROWS_WITH(make({}, 2, {"background"}), too_few("1"));
  CHECK_THROWS_WITH(make({}, 2, {}), too_few("0"));
  View unlabelled(Batch{torch::zeros({1, 1, 4, 4}, torch::kFloat64), {}, {"case-7"}});
  CHECK_THROWS_WITH(make({}).task->step(unlabelled),
                    "task 'segmentation': image 'case-7' has no label");
  auto batch = Batch{torch::zeros({1, 1, 4, 4}, torch::kFloat64), {}, {"case-7"}};
  CHECK_THROWS_WITH(make({}).task->evaluate(batch, {}),
                    "task 'segmentation': image 'case-7' has no label");
  batch.label = torch::full({1, 1, 4, 4}, 7, torch::kInt64);
  CHECK_THROWS_WITH(make({}).task->evaluate(batch, {}),
                    "task 'segmentation': case 'case-7' has label 7, but the dataset names 3 "
                    "classes, background included");
  CHECK_THROWS_WITH(make({.mode = "linear_probe"}).task->begin({0, {}}),
                    "task 'segmentation': there is no training image");
}

TEST_CASE("segmentation refuses options that contradict each other", "[segmentation][errors]") {
  using Catch::Matchers::Contains;
  const auto parse = [](const OptionTable& table) { schema_of<Options>().parse(table, "task"); };
  CHECK_THROWS_WITH(parse({{"mode", "linear_probe"}, {"train", "head"}}),
                    Contains("'train' belongs to mode = \"fine_tune\"; a linear probe trains the "
                             "head alone"));
  CHECK_THROWS_WITH(parse({{"features", "raw"}}),
                    Contains("'features' belongs to mode = \"linear_probe\"; fine-tuning always "
                             "sees raw ones"));
  CHECK_THROWS_WITH(
      parse({{"dice_weight", 0.0}, {"cross_entropy_weight", 0.0}}),
      Contains("'dice_weight' and 'cross_entropy_weight' are both 0: nothing would be learnt"));
  CHECK_THROWS_WITH(parse({{"mode", "probe"}}),
                    Contains("'mode' must be one of \"fine_tune\", \"linear_probe\""));
  CHECK_THROWS_WITH(parse({{"train", "bias"}}),
                    Contains("'train' must be one of \"all\", \"decoder+head\", \"encoder+head\", "
                             "\"head\""));
  CHECK_THROWS_WITH(parse({{"head_kernel", 2}}), Contains("'head_kernel' must be one of 1, 3"));
  CHECK_THROWS_WITH(parse({{"overlap", 1.0}}), Contains("'overlap' must be between"));
  CHECK_THROWS_WITH(parse({{"crop", OptionArray{0, 4}}}), Contains("'crop' must be at least 1"));
  // What is dumped reads back as it is.
  const auto schema = schema_of<Options>();
  CHECK_NOTHROW(schema.parse(schema.dump({.mode = "linear_probe"}), "task"));
}

}  // namespace
}  // namespace covector::segmentation
