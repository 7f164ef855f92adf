#include "chaitanya.h"

#include "support/catch.h"
#include "support/numeric.h"
#include "support/scratch_folder.h"

#include "contrast.h"
#include "covector/losses/contrast.h"
#include "plugins/small_backbone.h"

#include <torch/types.h>

#include <filesystem>
#include <set>

namespace covector::chaitanya {
namespace {

using testing::SmallBackbone;

Options small(std::vector<std::int64_t> crop = {8, 12}) {
  Options options;
  options.crop = std::move(crop);
  options.level = 2;
  options.hidden = 7;
  options.embedding = 5;
  return options;
}

std::shared_ptr<Chaitanya> make(const Options& options, const InputSpec& input = {},
                                std::int64_t batch = 3) {
  torch::manual_seed(2);
  auto method = std::make_shared<Chaitanya>(options, std::make_shared<SmallBackbone>(input),
                                            MethodInput{input, batch});
  method->to(torch::kFloat64);
  return method;
}

at::Tensor images(const std::vector<std::int64_t>& size, std::int64_t batch = 3) {
  auto shape = size;
  shape.insert(shape.begin(), {batch, 1});
  return torch::rand(shape, torch::kFloat64);
}

View whole(const at::Tensor& image) {
  return View(Batch{image, {}, std::vector<std::string>(image.size(0), "x"), {}});
}

Views pair(const std::string& stage, const at::Tensor& first, const at::Tensor& second) {
  Views views;
  views.emplace(stage + "_first", whole(first));
  views.emplace(stage + "_second", whole(second));
  return views;
}

/// Passes on to another backbone and notes whether the encoder's features carry a gradient.
class Watched final : public Backbone {
 public:
  explicit Watched(std::shared_ptr<Backbone> inner)
      : inner_(register_module("inner", std::move(inner))) {}
  std::vector<at::Tensor> levels(const at::Tensor& x, std::size_t count) override {
    counts.insert(count);
    auto maps = inner_->levels(x, count);
    encoder_trained = maps.front().requires_grad();
    return maps;
  }
  std::vector<std::int64_t> channels() const override { return inner_->channels(); }
  std::vector<std::int64_t> strides() const override { return inner_->strides(); }
  std::int64_t size_divisor() const override { return inner_->size_divisor(); }
  std::int64_t dimensions() const override { return inner_->dimensions(); }
  std::size_t level_of(std::string_view name) const override { return inner_->level_of(name); }
  std::shared_ptr<Backbone> fresh() const override {
    return std::make_shared<Watched>(inner_->fresh());
  }

  std::set<std::size_t> counts;
  bool encoder_trained = false;

 private:
  std::shared_ptr<Backbone> inner_;
};

TEST_CASE("the stages take their shares of the run", "[chaitanya]") {
  const auto at = [](double share, std::int64_t step, std::int64_t total) {
    auto options = small();
    options.global_share = share;
    return make(options)->phases(step, total);
  };
  const std::vector<std::string> global{"global"};
  const std::vector<std::string> local{"local"};
  CHECK(at(0.5, 0, 10) == global);
  CHECK(at(0.5, 4, 10) == global);
  CHECK(at(0.5, 5, 10) == local);
  CHECK(at(0.5, 9, 10) == local);
  CHECK(at(0.25, 49'999, 200'000) == global);
  CHECK(at(0.25, 50'000, 200'000) == local);
  CHECK(at(0, 0, 10) == local);
  CHECK(at(1, 9, 10) == global);
}

TEST_CASE("each stage has views and parameters of its own", "[chaitanya]") {
  const auto method = make(small());
  std::map<std::string, std::string> phases;
  for (const auto& view : method->views()) {
    phases[view.name] = view.phase;
    CHECK(view.copies == 1);
  }
  CHECK(phases == std::map<std::string, std::string>{{"global_first", "global"},
                                                     {"global_second", "global"},
                                                     {"local_first", "local"},
                                                     {"local_second", "local"}});
  const auto names_of = [&](const std::string& phase) {
    std::set<std::string> names;
    for (const auto& parameter : method->parameters_of(phase))
      for (const auto& item : method->named_parameters())
        if (item.value().is_same(parameter)) names.insert(item.key());
    return names;
  };
  CHECK(names_of("global") == std::set<std::string>{"backbone.weight0", "backbone.bias0",
                                                    "global_head.linear0.weight",
                                                    "global_head.linear1.weight"});
  CHECK(names_of("local") ==
        std::set<std::string>{"backbone.weight1", "backbone.bias1", "backbone.weight2",
                              "backbone.bias2", "local_head.linear0.weight",
                              "local_head.norm0.weight", "local_head.norm0.bias",
                              "local_head.linear1.weight", "region_head.weight"});
  CHECK(method->transfers() == Transfer{3});
  auto options = small();
  options.level = 1;
  options.crop = {16, 24};
  CHECK(make(options)->transfers() == Transfer{2});
  CHECK(make(options)->parameters_of("local").size() == 7);
  options.crops = 3;
  for (const auto& view : make(options)->views())
    CHECK(view.copies == (view.phase == "global" ? 3 : 1));
}

TEST_CASE("by default the local map is the one of stride 4, whichever level that is",
          "[chaitanya]") {
  const auto transfers = [](std::vector<std::int64_t> strides) {
    Options options;
    options.crop = {32};
    const auto backbone = std::make_shared<SmallBackbone>(
        InputSpec{}, std::vector<std::int64_t>(strides.size(), 4), strides);
    return Chaitanya(options, backbone, MethodInput{{}, 2}).transfers();
  };
  CHECK(transfers({16, 8, 4, 2, 1}) == Transfer{3});
  CHECK(transfers({32, 16, 8, 4, 2, 1}) == Transfer{4});
  CHECK(transfers({32, 16, 8, 4, 1}) == Transfer{4});
  // Level 0 is the encoder's.
  CHECK(transfers({4, 2, 1}) == Transfer{2});
}

TEST_CASE("heads have the widths of the original", "[chaitanya]") {
  auto options = Options{};
  options.crop = {8};
  options.level = 2;
  const auto method = make(options);
  std::map<std::string, std::int64_t> numbers;
  for (const auto& item : method->named_parameters())
    numbers[item.key().substr(0, item.key().find('.'))] += item.value().numel();
  // No biases; the local head keeps the 4 channels of its map and has a scale and a shift.
  CHECK(numbers.at("global_head") == 6 * 1024 + 1024 * 128);
  CHECK(numbers.at("local_head") == 2 * 4 * 4 + 2 * 4);
  CHECK(numbers.at("region_head") == 9 * 4 * 128);
  // All of the 2 x 2 voxels that a view of 8 x 8 has on a stride of 4.
  options.flatten = true;
  const auto flat = make(options);
  CHECK(flat->named_parameters()["global_head.linear0.weight"].size(1) == 4 * 6);
  auto views = pair("global", images({8, 8}), images({8, 8}));
  const auto result = flat->step(views, {"global"});
  result.loss.backward();
  CHECK(flat->named_parameters()["backbone.weight0"].grad().isfinite().all().item<bool>());
}

TEST_CASE("the global step is SimCLR's loss of both views", "[chaitanya]") {
  for (const auto& size : {std::vector<std::int64_t>{8, 12}, std::vector<std::int64_t>{8, 12, 8}}) {
    auto options = small(size);
    options.queue = 4;
    auto method = make(options, {1, static_cast<std::int64_t>(size.size())});
    auto views = pair("global", images(size), images(size));
    const auto result = method->step(views, {"global"});

    const auto all = method->named_parameters();
    const auto embedded = [&](const std::string& view) {
      // Level 0 by hand: averages of 4 x 4 (x 4) voxels, then W x + b and tanh.
      const auto& image = views.at(view).image();
      const auto pooled =
          size.size() == 2 ? torch::avg_pool2d(image, 4) : torch::avg_pool3d(image, 4);
      const auto map =
          torch::tanh(torch::matmul(pooled.movedim(1, -1), all["backbone.weight0"].t()) +
                      all["backbone.bias0"]);
      const auto h = map.flatten(1, -2).mean(1);
      const auto hidden = torch::relu(torch::matmul(h, all["global_head.linear0.weight"].t()));
      const auto z = torch::matmul(hidden, all["global_head.linear1.weight"].t());
      return z / z.norm(2, {1}, true);
    };
    const auto rows = torch::cat({embedded("global_first"), embedded("global_second")});
    const auto negatives = torch::cat({rows, method->named_buffers()["queue.keys"]});
    auto logits = torch::matmul(rows, negatives.t()) / 0.1;
    for (std::int64_t i = 0; i < 6; ++i) logits[i][i] = -1e12;
    const auto chance = logits.log_softmax(1);
    auto expected = torch::zeros({}, torch::kFloat64);
    for (std::int64_t i = 0; i < 6; ++i) expected -= chance[i][(i + 3) % 6] / 6;
    CHECK(result.loss.item<double>() == Approx(expected.item<double>()).epsilon(1e-9));

    result.loss.backward();
    for (const auto& item : all) {
      INFO(item.key());
      const bool trained = item.key() == "backbone.weight0" || item.key() == "backbone.bias0" ||
                           item.key().starts_with("global_head");
      CHECK(item.value().grad().defined() == trained);
    }
    // Both views' embeddings are the negatives of later steps: 6 into 4 places.
    method->after_step(0, 10);
    CHECK(method->named_buffers()["queue.pointer"].item<std::int64_t>() == 2);
    CHECK(testing::max_gap(method->named_buffers()["queue.keys"][1], rows[5]) < 1e-12);
  }
}

TEST_CASE("the local step contrasts regions and leaves the encoder alone", "[chaitanya]") {
  for (const auto& size : {std::vector<std::int64_t>{8, 12}, std::vector<std::int64_t>{8, 12, 8}}) {
    const InputSpec input{1, static_cast<std::int64_t>(size.size())};
    torch::manual_seed(3);
    const auto backbone = std::make_shared<Watched>(std::make_shared<SmallBackbone>(input));
    auto method = std::make_shared<Chaitanya>(small(size), backbone, MethodInput{input, 3});
    method->to(torch::kFloat64);
    auto views = pair("local", images(size), images(size));
    const auto result = method->step(views, {"local"});
    CHECK_FALSE(backbone->encoder_trained);
    // Finer levels than the third are not run.
    CHECK(backbone->counts == std::set<std::size_t>{3});

    const auto all = method->named_parameters();
    const auto regions = regions_of(size);
    const auto embedded = [&](const std::string& view) {
      const auto& image = views.at(view).image();
      const auto linear = [](const at::Tensor& x, const at::Tensor& weight) {
        return torch::matmul(x, weight.t());
      };
      const auto map = torch::tanh(linear(image.movedim(1, -1), all["backbone.inner.weight2"]) +
                                   all["backbone.inner.bias2"]);
      auto x = linear(map, all["local_head.linear0.weight"]);
      const auto voxels = x.flatten(0, -2);
      x = (x - voxels.mean(0)) / (voxels.var(0, false) + 1e-5).sqrt();
      x = linear(torch::relu(x), all["local_head.linear1.weight"]).movedim(-1, 1);
      const auto z = linear(cut(x, regions.corners), all["region_head.weight"]);
      return z / z.norm(2, {2}, true);
    };
    const auto expected =
        region_contrast(embedded("local_first"), embedded("local_second"), regions.negatives, 0.1)
            .mean();
    CHECK(result.loss.item<double>() == Approx(expected.item<double>()).epsilon(1e-9));

    result.loss.backward();
    for (const auto& item : all) {
      INFO(item.key());
      CHECK(item.value().requires_grad());  // ready for the optimiser, whatever the stage
      const bool trained = item.key().ends_with("weight2") || item.key().ends_with("bias2") ||
                           item.key().starts_with("local_head") ||
                           item.key().starts_with("region_head");
      CHECK(item.value().grad().defined() == trained);
    }
    // The other stage trains the encoder as if nothing had been.
    auto global = pair("global", images(size), images(size));
    method->step(global, {"global"}).loss.backward();
    CHECK(backbone->encoder_trained);
    CHECK(all["backbone.inner.weight0"].grad().defined());
  }
}

TEST_CASE("the local step has the gradient of its loss", "[chaitanya][gradient]") {
  auto method = make(small({8, 8}), {}, 2);
  auto views = pair("local", images({8, 8}, 2), images({8, 8}, 2));
  const auto loss = [&](const at::Tensor& x) {
    views.at("local_first").set_image(x);
    return method->step(views, {"local"}).loss;
  };
  CHECK(testing::gradient_gap(loss, views.at("local_first").image()) < 1e-5);
}

TEST_CASE("partitions are quarters of a volume, by the middle of the crop", "[chaitanya]") {
  auto options = small({8, 8, 8});
  options.positives = "partitions";
  options.queue = 0;
  auto method = make(options, {1, 3}, 2);
  std::set<std::string> names;
  for (const auto& view : method->views()) names.insert(view.name);
  CHECK(names.count("volume") == 1);

  // Volumes of 40 slices, crops of 8 from slice 1 (middle 4.5: part 0) and 19 (22.5: part 2), in
  // both views.
  const auto volume = images({40, 8, 8}, 2);
  Views views;
  views.emplace("volume", whole(volume));
  for (const auto* name : {"global_first", "global_second"}) {
    auto view = whole(volume);
    view.resample(SpatialMap::translation(
        torch::tensor({1.0, 0.0, 0.0, 19.0, 0.0, 0.0}, torch::kFloat64).view({2, 3}), {8, 8, 8}));
    views.emplace(name, view);
  }
  views.at("global_second").set_image(views.at("global_second").image() * 0.5);
  const auto apart = method->step(views, {"global"}).loss;
  auto simclr_options = small({8, 8, 8});
  simclr_options.queue = 0;
  auto simclr = make(simclr_options, {1, 3}, 2);
  // Two samples of different parts: the pairs are the two views of each, the negatives the other
  // sample's two views, as in SimCLR.
  CHECK(apart.item<double>() ==
        Approx(simclr->step(views, {"global"}).loss.item<double>()).epsilon(1e-9));

  // All in one part: no negatives, nothing to learn.
  for (const auto* name : {"global_first", "global_second"}) {
    auto view = whole(volume);
    view.resample(SpatialMap::translation(
        torch::tensor({11.0, 0.0, 0.0, 12.0, 0.0, 0.0}, torch::kFloat64).view({2, 3}), {8, 8, 8}));
    views.at(name) = view;
  }
  CHECK(method->step(views, {"global"}).loss.item<double>() == 0);
}

TEST_CASE("with partitions earlier embeddings keep theirs", "[chaitanya]") {
  auto options = small({8, 8, 8});
  options.positives = "partitions";
  options.queue = 6;
  auto method = make(options, {1, 3}, 2);
  const auto volume = images({40, 8, 8}, 2);
  Views views;
  views.emplace("volume", whole(volume));
  for (const auto* name : {"global_first", "global_second"}) {
    auto view = whole(volume);
    view.resample(SpatialMap::translation(
        torch::tensor({11.0, 0.0, 0.0, 32.0, 0.0, 0.0}, torch::kFloat64).view({2, 3}), {8, 8, 8}));
    views.emplace(name, view);
  }
  const auto before = method->step(views, {"global"}).loss;
  // Random keys belong to no part and are negatives of all.
  CHECK(before.item<double>() > 0);
  before.backward();
  for (const auto& parameter : method->parameters())
    if (parameter.grad().defined()) CHECK(parameter.grad().isfinite().all().item<bool>());
  method->after_step(0, 10);
  const auto keys = method->named_buffers()["queue.keys"];
  CHECK(keys.size(1) == 6);
  // Middles 14.5 and 35.5 of 40: parts 1 and 3.
  CHECK(testing::max_gap(keys.select(1, 5).narrow(0, 0, 4), torch::tensor({1.0, 3.0, 1.0, 3.0})) ==
        0);
  CHECK(testing::max_gap(keys.narrow(1, 0, 5).narrow(0, 0, 4).norm(2, {1}), torch::ones({4})) <
        1e-12);
}

TEST_CASE("one sample can be a batch, with earlier embeddings or more crops", "[chaitanya]") {
  CHECK_FALSE(make(small())->named_buffers().contains("queue.keys"));
  auto options = small();
  options.crops = 2;
  CHECK_NOTHROW(make(options, {}, 1));
  options.crops = 1;
  options.queue = 16;
  auto method = make(options, {}, 1);
  for (const auto* stage : {"global", "local"}) {
    auto views = pair(stage, images({8, 12}, 1), images({8, 12}, 1));
    const auto loss = method->step(views, {stage}).loss;
    CHECK(loss.isfinite().item<bool>());
    CHECK(loss.item<double>() > 0);
    loss.backward();
  }
}

TEST_CASE("the monitors see what each stage compares", "[chaitanya]") {
  auto method = make(small());
  auto views = pair("global", images({8, 12}), images({8, 12}));
  auto local = pair("local", images({8, 12}), images({8, 12}));
  const auto global_only = method->embed(views);
  CHECK(global_only.count("z_local") == 0);
  CHECK(global_only.at("h").first.sizes() == at::IntArrayRef({3, 6}));
  CHECK(global_only.at("z").second.sizes() == at::IntArrayRef({3, 5}));
  CHECK(method->embed(local).at("z_local").first.sizes() == at::IntArrayRef({3 * 17, 5}));
}

TEST_CASE("pictures of the views of a stage", "[chaitanya]") {
  for (const auto* stage : {"global", "local"}) {
    const testing::ScratchFolder folder;
    auto method = make(small());
    auto views = pair(stage, images({8, 12}), images({8, 12}));
    method->draw(views, folder / "pictures");
    for (const auto* view : {"first", "second"})
      CHECK(std::filesystem::exists(folder / "pictures" /
                                    ("2-" + std::string(stage) + "-" + view + ".png")));
  }
}

TEST_CASE("Chaitanya et al. says what does not fit", "[chaitanya][errors]") {
  CHECK_THROWS_WITH(make(small({8, 8, 8})),
                    "[method] 'crop' has 3 numbers, the images have 2 axes");
  CHECK_THROWS_WITH(make(small({4, 8})),
                    "[method] level 2 of the backbone is [4, 8] for views of the size of 'crop'; "
                    "regions need 8 voxels along every axis. Take larger views or a finer 'level'");
  auto options = small();
  options.level = 3;
  CHECK_THROWS_WITH(make(options), "[method] 'level' is 3, the backbone has levels 0 to 2");
  options = small();
  options.positives = "partitions";
  CHECK_THROWS_WITH(make(options),
                    "[method] 'positives' = \"partitions\" needs volumes, whose crops lie "
                    "somewhere along the first axis; the images have 2 axes. Take \"views\"");
  options = small();
  options.queue = 0;
  CHECK_THROWS_WITH(
      make(options, {}, 1),
      "[method] one sample of one crop a batch has no negatives; take more samples or "
      "'crops', or keep earlier embeddings in a 'queue'");

  auto method = make(small());
  auto views = pair("local", images({8, 12}), images({8, 12}));
  views.at("local_second")
      .resample(SpatialMap::translation(torch::ones({3, 2}, torch::kFloat64), {8, 12}));
  CHECK_THROWS_WITH(method->step(views, {"local"}),
                    "[views] 'local_first' and 'local_second' show different places; method "
                    "'chaitanya' compares the same voxels of both, so what moves them must be "
                    "shared");
  auto tiny = pair("local", images({4, 12}), images({4, 12}));
  CHECK_THROWS_WITH(method->step(tiny, {"local"}), Catch::Contains("regions need 8 voxels"));

  CHECK_THROWS_WITH(schema_of<Options>().parse({{"crop", OptionArray{}}}, "method"),
                    Catch::Contains("'crop' must be one number, or one an axis"));
  CHECK_THROWS_WITH(
      schema_of<Options>().parse({{"crop_share", OptionArray{0.9, 0.5}}}, "method"),
      Catch::Contains("'crop_share' must be empty, or two numbers, the smaller first"));
}

}  // namespace
}  // namespace covector::chaitanya
