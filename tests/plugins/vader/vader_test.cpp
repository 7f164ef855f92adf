#include "vader.h"

#include "support/catch.h"
#include "support/numeric.h"
#include "support/peak_memory.h"
#include "support/scratch_folder.h"

#include "covector/losses/contrast.h"
#include "plugins/small_backbone.h"

#include <torch/types.h>

#include <cmath>
#include <filesystem>

namespace covector::vader {
namespace {

using testing::SmallBackbone;

Options small() {
  Options options;
  options.crop = {8};
  options.pixels = 6;
  options.embedding = 3;
  options.queue = 10;
  return options;
}

std::shared_ptr<Vader> make(const Options& options, const InputSpec& input = {}) {
  torch::manual_seed(2);
  auto method = std::make_shared<Vader>(options, std::make_shared<SmallBackbone>(input),
                                        MethodInput{input, 2});
  method->to(torch::kFloat64);
  return method;
}

/// Views of `image` from its first voxel on, and from `offset` voxels further along every axis.
Views moved(const at::Tensor& image, double offset) {
  const Batch batch{image, {}, std::vector<std::string>(image.size(0), "x"), {}};
  Views views;
  views.emplace("first", View(batch));
  views.emplace("second", View(batch));
  const auto d = image.dim() - 2;
  auto& second = views.at("second");
  second.resample(SpatialMap::translation(torch::full({image.size(0), d}, offset, torch::kFloat64),
                                          second.size()));
  return views;
}

at::Tensor images(std::vector<std::int64_t> shape) {
  return 0.1 + 0.9 * torch::rand(shape, torch::kFloat64);
}

at::Tensor vectors(std::vector<double> numbers, std::int64_t width) {
  return torch::tensor(numbers, torch::kFloat64).view({-1, width});
}

/// The contrast of each pair, from the parameters alone: [N pairs], and the cosines of the pairs.
std::pair<at::Tensor, at::Tensor> by_hand(const Vader& method, Views& views,
                                          const Matches& matches) {
  const auto all = method.named_parameters();
  const auto finest = [&](const at::Tensor& image) {
    const auto features = torch::matmul(image.movedim(1, -1), all["backbone.weight2"].t());
    return torch::tanh(features + all["backbone.bias2"]).movedim(-1, 1);
  };
  const auto embedded = [&](const at::Tensor& rows) {
    const auto z = torch::matmul(rows, all["head.linear0.weight"].t()) + all["head.linear0.bias"];
    return z / z.norm(2, {1}, true);
  };
  const auto q = embedded(at_voxels(finest(views.at("first").image()), matches));
  const auto k = embedded(at_positions(finest(views.at("second").image()), matches));
  const auto cosine = (q * k).sum(1);
  const auto negative = torch::matmul(q, method.named_buffers()["queue.keys"].t());
  const auto logits = torch::cat({cosine.unsqueeze(1), negative}, 1) / 0.07;
  return {-logits.log_softmax(1).select(1, 0), cosine};
}

TEST_CASE("the contrast of pixels, worked out by hand", "[vader]") {
  // V2 and V4 of the sheet: e.g. -log(e^{0.6/t} / (e^{0.6/t} + e^0 + e^0 + e^{0.8/t})).
  const auto negatives = vectors({0, 1, 0, 0, 0, 1, 0.8, 0, 0.6}, 3);
  const auto loss = losses::info_nce(vectors({1, 0, 0, 0, 0.6, 0.8}, 3),
                                     vectors({0.6, 0.8, 0, 0, 1, 0}, 3), negatives, 0.07);
  const auto by_hand = [](double positive, std::vector<double> others) {
    double sum = std::exp(positive / 0.07);
    for (const auto other : others) sum += std::exp(other / 0.07);
    return std::log(sum) - positive / 0.07;
  };
  CHECK(loss[0].item<double>() == Approx(by_hand(0.6, {0, 0, 0.8})).epsilon(1e-9));
  CHECK(loss[1].item<double>() == Approx(by_hand(0.6, {0.6, 0.8, 0.48})).epsilon(1e-9));
  CHECK(loss[0].item<double>() == Approx(2.913007).margin(5e-7));
  CHECK(loss[1].item<double>() == Approx(2.975111).margin(5e-7));
  CHECK(loss.mean().item<double>() == Approx(2.944059).margin(5e-7));
  // V3: rows that are scaled to unit length first.
  const auto q = losses::unit(vectors({3, 4}, 2));
  const auto k = losses::unit(vectors({1, 1}, 2));
  CHECK((q * k).sum().item<double>() == Approx(0.989949).margin(5e-7));
  CHECK(losses::info_nce(q, k, vectors({1, 0, 0, 1}, 2), 0.07).item<double>() ==
        Approx(0.067759).margin(5e-7));
}

TEST_CASE("the step is the mean contrast of the drawn pixels", "[vader]") {
  for (const std::int64_t d : {2, 3}) {
    auto options = small();
    options.crop = d == 2 ? std::vector<std::int64_t>{8, 12} : std::vector<std::int64_t>{8, 12, 8};
    auto method = make(options, {1, d});
    auto shape = options.crop;
    shape.insert(shape.begin(), {2, 1});
    auto views = moved(images(shape), 1.5);
    torch::manual_seed(6);
    const auto result = method->step(views, {"train"});

    torch::manual_seed(6);
    auto& first = views.at("first");
    auto& second = views.at("second");
    const auto matches = draw_matches(first.map(), second.map(), first.image() > 0.05, 6);
    REQUIRE(matches.valid.all().item<bool>());
    const auto expected = by_hand(*method, views, matches);
    CHECK(result.loss.item<double>() == Approx(expected.first.mean().item<double>()).epsilon(1e-9));
    CHECK(result.logs.at("vader/pixels").item<double>() == 6);
    CHECK(result.logs.at("vader/without_overlap").item<double>() == 0);
    CHECK(result.logs.at("vader/cosine").item<double>() ==
          Approx(expected.second.mean().item<double>()).epsilon(1e-9));
  }
}

TEST_CASE("the step has the gradient of its loss", "[vader][gradient]") {
  auto method = make(small());
  auto views = moved(images({2, 1, 8, 8}), 2.5);
  const auto loss = [&](const at::Tensor& x) {
    torch::manual_seed(8);
    views.at("first").set_image(x);
    return method->step(views, {"train"}).loss;
  };
  CHECK(testing::gradient_gap(loss, views.at("first").image()) < 1e-6);
}

TEST_CASE("a step trains the online network and leaves the copy and the queue alone", "[vader]") {
  auto method = make(small());
  auto views = moved(images({2, 1, 8, 8}), 1.5);
  auto second = views.at("second").image().clone().set_requires_grad(true);
  views.at("second").set_image(second);
  const auto keys = method->named_buffers()["queue.keys"].clone();
  method->step(views, {"train"}).loss.backward();
  CHECK_FALSE(second.grad().defined());
  for (const auto& item : method->named_parameters()) {
    INFO(item.key());
    const bool copy = item.key().starts_with("key_");
    CHECK(item.value().requires_grad() == !copy);
    const bool used = item.key() == "backbone.weight2" || item.key() == "backbone.bias2" ||
                      item.key().starts_with("head.");
    CHECK(item.value().grad().defined() == used);
  }
  CHECK(torch::equal(method->named_buffers()["queue.keys"], keys));
}

TEST_CASE("after a step the keys enter the queue and the copy follows", "[vader]") {
  auto options = small();
  options.momentum = 0.75;
  auto method = make(options);
  const auto all = method->named_parameters();
  const auto buffers = method->named_buffers();
  const auto keys = buffers["queue.keys"].clone();
  auto views = moved(images({2, 1, 8, 8}), 1.5);
  method->step(views, {"train"});
  {
    const torch::NoGradGuard no_grad;
    all["head.linear0.weight"].add_(1);
    all["backbone.weight2"].add_(1);
  }
  method->after_step(0, 10);
  // 12 keys into 10 places: all are new, and the pointer has gone round.
  CHECK(buffers["queue.pointer"].item<std::int64_t>() == 2);
  CHECK((buffers["queue.keys"] != keys).any(1).all().item<bool>());
  CHECK(testing::max_gap(buffers["queue.keys"].norm(2, {1}), torch::ones({10})) < 1e-12);
  for (const auto* name : {"head.linear0.weight", "backbone.weight2"})
    CHECK(testing::max_gap(all["key_" + std::string(name)], all[name] - 0.75) < 1e-12);
}

TEST_CASE("samples without overlap are left out", "[vader]") {
  auto method = make(small());
  const auto image = images({2, 1, 8, 8});
  auto offsets = torch::tensor({1.0, 1.0, 50.0, 50.0}, torch::kFloat64).view({2, 2});
  auto views = moved(image, 0);
  views.at("second").resample(SpatialMap::translation(offsets, {8, 8}));
  torch::manual_seed(3);
  const auto result = method->step(views, {"train"});
  CHECK(result.logs.at("vader/without_overlap").item<std::int64_t>() == 1);
  CHECK(result.logs.at("vader/pixels").item<double>() == 3);
  // Only the first sample counts: its contrast alone is the loss.
  torch::manual_seed(3);
  const auto matches =
      draw_matches(views.at("first").map(), views.at("second").map(), image > 0.05, 6);
  CHECK(matches.valid[0].all().item<bool>());
  CHECK_FALSE(matches.valid[1].any().item<bool>());
  const auto pairs = by_hand(*method, views, matches).first;
  CHECK(result.loss.item<double>() ==
        Approx(pairs.slice(0, 0, 6).mean().item<double>()).epsilon(1e-9));

  auto apart = moved(image, 50);
  method->zero_grad();
  const auto none = method->step(apart, {"train"});
  CHECK(none.loss.item<double>() == 0);
  CHECK(none.logs.at("vader/without_overlap").item<std::int64_t>() == 2);
  CHECK(none.logs.count("vader/accuracy") == 0);
  none.loss.backward();
  for (const auto& parameter : method->parameters())
    if (parameter.grad().defined()) CHECK(parameter.grad().abs().sum().item<double>() == 0);
}

TEST_CASE("pixels default to 32 in 2D and 256 in 3D, the head is one layer", "[vader]") {
  for (const std::int64_t d : {2, 3}) {
    Options options;
    options.crop = {8};
    options.queue = 1000;
    auto method = make(options, {1, d});
    auto views = moved(images(d == 2 ? std::vector<std::int64_t>{2, 1, 8, 8}
                                     : std::vector<std::int64_t>{2, 1, 8, 8, 8}),
                       0);
    CHECK(method->step(views, {"train"}).logs.at("vader/pixels").item<double>() ==
          (d == 2 ? 32 : 256));
    std::int64_t head = 0;
    for (const auto& item : method->named_parameters())
      if (item.key().starts_with("head.")) head += item.value().numel();
    CHECK(head == 4 * 128 + 128);
  }
}

TEST_CASE("the monitors see the same pixels of both views, every time the same", "[vader]") {
  auto method = make(small());
  auto views = moved(images({3, 1, 8, 8}), 0);
  const auto seen = method->embed(views);
  CHECK(seen.at("h").first.sizes() == at::IntArrayRef({3, 6}));
  CHECK(seen.at("z").first.sizes() == at::IntArrayRef({18, 3}));
  CHECK(testing::max_gap(seen.at("z").first, seen.at("z").second) < 1e-12);
  CHECK(torch::equal(seen.at("z").first, method->embed(views).at("z").first));
}

TEST_CASE("memory is the logits and the maps, not pixels x pixels", "[vader][memory]") {
  Options options;
  options.crop = {64};
  options.queue = 4096;
  auto method = make(options);
  method->to(torch::kFloat32);
  auto views = moved(torch::rand({2, 1, 64, 64}), 3.5);
  const auto peak = testing::peak_bytes([&] {
    method->step(views, {"train", 0, 1, false}).loss.backward();
  });
  const std::int64_t logits = 4 * 2 * 32 * (1 + 4096);
  const std::int64_t floats_of_a_pixel = 100;  // 15 channels of features in two views, coordinates
  CHECK(peak > logits);
  CHECK(peak < 4 * logits + 4 * 2 * 64 * 64 * floats_of_a_pixel);
}

TEST_CASE("pictures of views and their agreement", "[vader]") {
  for (const std::int64_t d : {2, 3}) {
    const testing::ScratchFolder folder;
    auto method = make(small(), {1, d});
    auto views = moved(images(d == 2 ? std::vector<std::int64_t>{2, 1, 8, 8}
                                     : std::vector<std::int64_t>{2, 1, 8, 8, 8}),
                       1);
    method->draw(views, folder / "pictures");
    for (const auto* name : {"0-first.png", "1-second.png", "1-agreement.png", "pictures.json"})
      CHECK(std::filesystem::exists(folder / "pictures" / name));
  }
}

TEST_CASE("VADeR says what does not fit", "[vader][errors]") {
  auto options = small();
  options.crop = {8, 8, 8};
  CHECK_THROWS_WITH(make(options), "[method] 'crop' has 3 numbers, the images have 2 axes");
  options = small();
  options.pixels = 65;
  CHECK_THROWS_WITH(make(options),
                    "[method] 'pixels' is 65, more than the voxels of a view, which are 64");
  const InputSpec input;
  const auto coarse = std::make_shared<SmallBackbone>(input, std::vector<std::int64_t>{6, 5},
                                                      std::vector<std::int64_t>{4, 2});
  CHECK_THROWS_WITH(Vader(small(), coarse, {input}),
                    "[backbone] the finest level has stride 2; method 'vader' compares voxels and "
                    "needs stride 1");
  CHECK_THROWS_WITH(schema_of<Options>().parse({{"crop", OptionArray{}}}, "method"),
                    Catch::Contains("'crop' must be one number, or one an axis"));
}

TEST_CASE("VADeR says that it is a reconstruction", "[vader]") {
  const auto doc = schema_of<Options>().doc();
  CHECK(doc.family == "DBCL");
  CHECK_THAT(doc.reconstruction, Catch::Contains("recalled"));
}

}  // namespace
}  // namespace covector::vader
