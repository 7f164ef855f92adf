#include "deepcluster.h"

#include "sampler.h"
#include "support/catch.h"
#include "support/numeric.h"
#include "support/scratch_folder.h"

#include "covector/losses/clustering.h"
#include "plugins/default_views.h"
#include "plugins/small_backbone.h"

#include <ATen/autocast_mode.h>
#include <torch/optim/adam.h>
#include <torch/types.h>

#include <cmath>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace covector::deepcluster {
namespace {

using testing::max_gap;

Options small(std::int64_t dimensions = 2) {
  Options options;
  options.crop =
      dimensions == 2 ? std::vector<std::int64_t>{8, 12} : std::vector<std::int64_t>{8, 12, 4};
  options.k = 3;
  options.pca = 2;
  return options;
}

std::shared_ptr<DeepCluster> make(const Options& options, std::int64_t dimensions = 2,
                                  std::int64_t batch = 4) {
  torch::manual_seed(5);
  const InputSpec input{1, dimensions};
  auto method = std::make_shared<DeepCluster>(
      options, std::make_shared<testing::SmallBackbone>(input), MethodInput{input, batch});
  for (auto& parameter : method->parameters()) parameter.set_data(parameter.to(torch::kFloat64));
  return method;
}

/// Images in three groups of different brightness, positions in random order.
struct Images {
  explicit Images(std::int64_t dimensions, std::int64_t count = 24) {
    torch::manual_seed(6);
    group = torch::arange(count).remainder(3).index({torch::randperm(count)});
    auto shape = dimensions == 2 ? std::vector<std::int64_t>{count, 1, 10, 15}
                                 : std::vector<std::int64_t>{count, 1, 10, 15, 6};
    auto level = std::vector<std::int64_t>(shape.size(), 1);
    level[0] = count;
    all = group.view(level) * 0.5 + 0.05 * torch::rand(shape, torch::kFloat64);
  }
  Batch at(const std::vector<std::int64_t>& positions) const {
    return {all.index({torch::tensor(positions, torch::kInt64)}),
            {},
            std::vector<std::string>(positions.size(), "x"),
            positions};
  }
  EpochContext context(std::int64_t epoch) {
    return {epoch, all.size(0),
            [this](const std::vector<std::int64_t>& positions) {
              asked.push_back(static_cast<std::int64_t>(positions.size()));
              return at(positions);
            },
            11, [this](const at::Tensor& parameter) { renewed.push_back(parameter); }};
  }
  Views view(const std::vector<std::int64_t>& positions, const std::vector<std::int64_t>& crop) {
    Views views;
    auto batch = at(positions);
    batch.image = centre_crop(batch, crop);
    views.emplace("image", View(batch));
    return views;
  }
  at::Tensor group;  // [n] of each position
  at::Tensor all;    // [n, 1, *size]
  std::vector<std::int64_t> asked;
  std::vector<at::Tensor> renewed;
};

TEST_CASE("the middle of an image, stretched along axes that are too short", "[deepcluster]") {
  const auto image = torch::arange(2 * 6 * 9, torch::kFloat64).view({2, 1, 6, 9});
  const Batch batch{image, {}, {"x", "y"}, {}};
  CHECK(torch::equal(centre_crop(batch, {4, 4}), image.slice(2, 1, 5).slice(3, 2, 6)));
  CHECK(torch::equal(centre_crop(batch, {6, 9}), image));
  // 11 voxels over 6: corner voxels stay, every other lies halfway between two.
  const auto tall = centre_crop(batch, {11, 9});
  CHECK(max_gap(tall.slice(2, 0, 11, 2), image) < 1e-12);
  CHECK(tall[0][0][1][0].item<double>() == Approx(4.5));
  const auto volume = torch::rand({1, 1, 6, 8, 4}, torch::kFloat64);
  CHECK(torch::equal(centre_crop({volume, {}, {"x"}, {}}, {4, 4, 4}),
                     volume.slice(2, 1, 5).slice(3, 2, 6)));
}

TEST_CASE("an epoch begins with clusters of the features of all images", "[deepcluster]") {
  for (const std::int64_t d : {2, 3}) {
    const auto method = make(small(d), d);
    Images images(d);
    CHECK(method->labels().numel() == 0);
    method->train();
    const auto before = method->named_parameters()["classifier.weight"].clone();
    method->begin_epoch(images.context(0));
    CHECK(method->is_training());
    // 24 images, four at a time, none twice.
    CHECK(images.asked == std::vector<std::int64_t>(6, 4));
    REQUIRE(method->labels().numel() == 24);
    CHECK(losses::mutual_information(method->labels(), images.group) == Approx(1.0).epsilon(1e-12));
    // The classifier is new: N(0, 0.01) and 0, and the optimiser knows.
    const auto parameters = method->named_parameters();
    CHECK_FALSE(torch::equal(parameters["classifier.weight"], before));
    CHECK(parameters["classifier.weight"].abs().max().item<double>() < 0.05);
    CHECK(parameters["classifier.weight"].std().item<double>() == Approx(0.01).epsilon(0.5));
    CHECK(parameters["classifier.bias"].abs().max().item<double>() == 0);
    REQUIRE(images.renewed.size() == 2);
    CHECK(images.renewed[0].is_same(parameters["classifier.weight"]));
    CHECK(images.renewed[1].is_same(parameters["classifier.bias"]));
  }
}

TEST_CASE("clusters follow from the centre crops in evaluation mode", "[deepcluster]") {
  const auto method = make(small());
  Images images(2);
  method->begin_epoch(images.context(0));
  std::vector<std::int64_t> every(24);
  std::iota(every.begin(), every.end(), 0);
  auto views = images.view(every, {8, 12});
  const auto h = method->embed(views).at("h").first.detach();
  CHECK(h.sizes() == at::IntArrayRef({24, 6}));
  // The same partition from the same features by another seed.
  const auto again = losses::k_means(losses::whitened(h, 2), 3, 99);
  CHECK(losses::mutual_information(again.labels, method->labels()) == Approx(1.0).epsilon(1e-12));
}

TEST_CASE("clusters last as many epochs as asked for", "[deepcluster]") {
  auto options = small();
  options.every = 3;
  const auto method = make(options);
  Images images(2);
  std::vector<std::size_t> passes;
  for (std::int64_t epoch = 0; epoch < 7; ++epoch) {
    method->begin_epoch(images.context(epoch));
    passes.push_back(images.asked.size() / 6);
  }
  CHECK(passes == std::vector<std::size_t>{1, 1, 1, 2, 2, 2, 3});
}

TEST_CASE("each clustering draws anew, the same for the same epoch", "[deepcluster]") {
  const auto state = [](std::int64_t epoch) {
    const auto method = make(small());
    torch::manual_seed(
        static_cast<std::uint64_t>(1000 + epoch));  // the default generator is not used
    Images images(2);
    torch::rand({7});
    method->begin_epoch(images.context(epoch));
    return std::pair(method->labels().clone(),
                     method->named_parameters()["classifier.weight"].detach().clone());
  };
  const auto first = state(4);
  const auto again = state(4);
  CHECK(torch::equal(first.first, again.first));
  CHECK(torch::equal(first.second, again.second));
  CHECK_FALSE(torch::equal(first.second, state(5).second));
}

TEST_CASE("the order of an epoch follows from the labels", "[deepcluster]") {
  const auto method = make(small());
  Images images(2);
  method->begin_epoch(images.context(0));
  CHECK(method->chooses_images());
  const auto order = method->order(0, 24, 3);
  CHECK(order.size() == 24);
  CHECK(order == method->order(0, 24, 3));
  CHECK(order != method->order(1, 24, 3));
  CHECK(order != method->order(0, 24, 4));
  // A copy of the weights and buffers goes on with the same.
  const auto resumed = make(small());
  const torch::NoGradGuard no_grad;
  resumed->named_buffers()["labels"].resize_({24}).copy_(method->labels());
  CHECK(resumed->order(0, 24, 3) == order);
  auto options = small();
  for (const auto* other : {"weighted", "images"}) {
    options.sampling = other;
    CHECK_FALSE(make(options)->chooses_images());
  }
}

TEST_CASE("the loss is the cross-entropy with the clusters", "[deepcluster]") {
  for (const std::string sampling : {"uniform", "weighted", "images"})
    for (const std::int64_t d : {2, 3}) {
      auto options = small(d);
      options.sampling = sampling;
      const auto method = make(options, d);
      Images images(d);
      method->begin_epoch(images.context(0));
      {
        const torch::NoGradGuard no_grad;
        method->named_parameters()["classifier.weight"].mul_(100);  // far from chance
        method->named_buffers()["labels"].slice(0, 0, 3).fill_(1);  // clusters of unequal size
      }
      const std::vector<std::int64_t> shown{7, 0, 23, 7, 12};
      auto views = images.view(shown, options.crop);
      const auto h = method->embed(views).at("h").first;
      const auto scores = torch::matmul(h, method->named_parameters()["classifier.weight"].t());
      const auto sizes = torch::bincount(method->labels(), {}, 3).to(torch::kFloat64);
      double wanted = 0;
      double right = 0;
      for (std::size_t i = 0; i < shown.size(); ++i) {
        const auto label = method->labels()[shown[i]].item<std::int64_t>();
        const auto row = scores[static_cast<std::int64_t>(i)];
        const auto weight = sampling == "weighted" ? 24 / (3 * sizes[label].item<double>()) : 1.0;
        wanted += weight * (row.exp().sum().log() - row[label]).item<double>() / 5;
        right += row.argmax().item<std::int64_t>() == label ? 0.2 : 0;
      }
      const auto result = method->step(views, {"train", 0, 10, true});
      CHECK(result.loss.item<double>() == Approx(wanted).epsilon(1e-12));
      CHECK(result.logs.at("deepcluster/accuracy").item<double>() == Approx(right));
      CHECK(method->step(views, {"train", 0, 10, false}).logs.empty());
      result.loss.backward();
      for (const auto& item : method->named_parameters()) {
        INFO(item.key());
        const bool used =
            item.key().rfind("backbone.", 0) != 0 || item.key().find('0') != std::string::npos;
        CHECK(item.value().grad().defined() == used);
      }
    }
}

TEST_CASE("a new classifier starts at chance", "[deepcluster]") {
  const auto method = make(small());
  Images images(2);
  method->begin_epoch(images.context(0));
  auto views = images.view({1, 2, 3, 4}, {8, 12});
  CHECK(method->step(views, {"train"}).loss.item<double>() == Approx(std::log(3.0)).epsilon(0.03));
}

TEST_CASE("the loss of DeepCluster has the gradient of its formula", "[deepcluster][gradient]") {
  for (const std::string sampling : {"uniform", "weighted"}) {
    auto options = small();
    options.sampling = sampling;
    const auto method = make(options);
    Images images(2);
    method->begin_epoch(images.context(0));
    auto views = images.view({3, 9, 9, 20}, {8, 12});
    for (const auto* name : {"classifier.weight", "classifier.bias", "backbone.weight0"}) {
      INFO(name);
      auto parameter = method->named_parameters()[name];
      const auto start = parameter.detach().clone();
      const auto loss = [&](const at::Tensor& x) {
        const auto scores = [&] { return method->step(views, {"train", 0, 1, false}).loss; };
        parameter.set_data(x.detach());
        return scores();
      };
      method->zero_grad();
      loss(start).backward();
      const auto analytic = parameter.grad().clone();
      auto numeric = torch::zeros_like(start);
      for (std::int64_t i = 0; i < start.numel(); ++i) {
        auto moved = start.clone();
        moved.view({-1})[i] += 1e-6;
        const auto up = loss(moved).item<double>();
        moved.view({-1})[i] -= 2e-6;
        numeric.view({-1})[i] = (up - loss(moved).item<double>()) / 2e-6;
      }
      parameter.set_data(start);
      CHECK(max_gap(analytic, numeric) < 1e-7 * (1 + numeric.abs().max().item<double>()));
    }
  }
}

TEST_CASE("the log tells how the clusters are", "[deepcluster]") {
  const auto method = make(small());
  Images images(2);
  const auto logs = [&] {
    auto views = images.view({1, 2}, {8, 12});
    return method->step(views, {"train", 0, 10, true}).logs;
  };
  const auto value = [&](const std::string& name) {
    return logs().at("deepcluster/" + name).item<double>();
  };
  method->begin_epoch(images.context(0));
  CHECK(value("mutual_information") == 0.0);  // there is no clustering before
  CHECK(value("empty_clusters") == 0.0);
  CHECK(value("largest_cluster") == Approx(8.0 / 24));
  CHECK(value("distance") < 0.1);
  method->begin_epoch(images.context(1));
  CHECK(value("mutual_information") == Approx(1.0).epsilon(1e-12));
  // Against labels that say nothing.
  method->named_buffers()["labels"].zero_();
  method->begin_epoch(images.context(2));
  CHECK(value("mutual_information") == Approx(0.0).margin(1e-12));
}

TEST_CASE("DeepCluster's defaults follow the dimensions and the encoder", "[deepcluster]") {
  const auto resolved = [](std::int64_t d, std::int64_t width) {
    Options options;
    options.crop = {16};
    const InputSpec input{1, d};
    const DeepCluster method(
        options,
        std::make_shared<testing::SmallBackbone>(input, std::vector<std::int64_t>{width, 5, 4}),
        {input, 2});
    return method.k();
  };
  CHECK(resolved(2, 512) == 1000);
  CHECK(resolved(3, 512) == 20);
}

TEST_CASE("DeepCluster's view is a random crop, mirrored or not", "[deepcluster][views]") {
  for (const std::int64_t d : {2, 3}) {
    const auto method = make(small(d), d);
    const auto specs = method->views();
    REQUIRE(specs.size() == 1);
    std::vector<std::string> types;
    for (const auto& element : specs[0].chain)
      types.push_back(std::get<std::string>(element.find("type")->data));
    CHECK(types == std::vector<std::string>{"random_resized_crop", "flip"});
    Images images(d);
    auto views = testing::DefaultViews(specs).of(images.all.slice(0, 0, 3));
    auto wanted = small(d).crop;
    CHECK(views.at("image").size() == wanted);
  }
}

TEST_CASE("DeepCluster learns which cluster an image is in", "[deepcluster][views]") {
  for (const std::int64_t d : {2, 3}) {
    const auto options = small(d);
    const auto method = make(options, d);
    Images images(d);
    torch::optim::Adam adam(method->parameters(), torch::optim::AdamOptions(3e-2));
    double last = 0;
    for (std::int64_t step = 0; step < 200; ++step) {
      if (step % 50 == 0) method->begin_epoch(images.context(step / 50));
      const auto order = method->order(step / 50, 24, 3);
      const auto first = 4 * (step % 6);
      auto views = images.view({order.begin() + first, order.begin() + first + 4}, options.crop);
      adam.zero_grad();
      const auto loss = method->step(views, {"train", step, 200, false}).loss;
      loss.backward();
      adam.step();
      REQUIRE(loss.isfinite().item<bool>());
      if (step >= 190) last += loss.item<double>() / 10;
    }
    CHECK(last < 0.5 * std::log(3.0));
    std::vector<std::int64_t> every(24);
    std::iota(every.begin(), every.end(), 0);
    auto views = images.view(every, options.crop);
    const auto h = method->embed(views).at("h").first.detach();
    CHECK(h.std(0).mean().item<double>() > 0.05);  // no collapse
  }
}

TEST_CASE("under bfloat16 autocast the loss stays float32", "[deepcluster]") {
  const auto method = make(small());
  for (auto& parameter : method->parameters()) parameter.set_data(parameter.to(torch::kFloat32));
  Images images(2);
  images.all = images.all.to(torch::kFloat32);
  method->begin_epoch(images.context(0));
  {
    const torch::NoGradGuard no_grad;
    method->named_parameters()["classifier.weight"].mul_(100);
  }
  auto views = images.view({1, 2, 3, 4}, {8, 12});
  const auto full = method->step(views, {"train"}).loss;
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const auto half = method->step(views, {"train"}).loss;
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  CHECK(half.scalar_type() == torch::kFloat32);
  CHECK(half.item<double>() != full.item<double>());  // autocast was on
  CHECK(half.item<double>() == Approx(full.item<double>()).margin(0.05));
}

TEST_CASE("what DeepCluster shows of itself", "[deepcluster]") {
  const auto method = make(small(), 2, 1);
  CHECK(method->transfers() == Transfer::encoder);
  Images images(2, 6);
  method->begin_epoch(images.context(0));  // one image at a time
  CHECK(images.asked == std::vector<std::int64_t>(6, 1));
  auto views = images.view({2}, {8, 12});
  CHECK(method->step(views, {"train"}).loss.isfinite().item<bool>());
  const testing::ScratchFolder folder;
  method->draw(views, folder.path());
  CHECK(std::filesystem::exists(folder / "0-image.png"));
}

TEST_CASE("DeepCluster says what does not fit", "[deepcluster][errors]") {
  auto options = small();
  options.pca = 7;
  CHECK_THROWS_AS(make(options), RecipeError);
  CHECK_THROWS_WITH(make(options),
                    "[method] 'pca' is 7, the backbone's coarsest level has 6 channels; give at "
                    "most as many principal axes");
  options = small();
  options.crop = {8, 8, 8};
  CHECK_THROWS_WITH(make(options), "[method] 'crop' has 3 numbers, the images have 2 axes");
  options = small();
  options.k = 25;
  Images images(2);
  CHECK_THROWS_AS(make(options)->begin_epoch(images.context(0)), RecipeError);
  CHECK_THROWS_WITH(make(options)->begin_epoch(images.context(0)),
                    "[method] 'k' is 25, the training split has 24 images; give at most as many");
  options.k = 3;
  options.pca = 6;
  Images few(2, 5);
  CHECK_THROWS_WITH(make(options)->begin_epoch(few.context(0)),
                    "[method] 'pca' is 6, the training split has 5 images; give at most as many");
  const auto method = make(small());
  auto views = images.view({1}, {8, 12});
  CHECK_THROWS_WITH(method->step(views, {"train"}),
                    "images have no cluster before the first epoch");
}

}  // namespace
}  // namespace covector::deepcluster
