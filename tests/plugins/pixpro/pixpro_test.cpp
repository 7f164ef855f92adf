#include "pixpro.h"

#include "support/catch.h"
#include "support/numeric.h"

#include "covector/networks/momentum.h"
#include "plugins/small_backbone.h"

#include <torch/types.h>

#include <set>

namespace covector::pixpro {
namespace {

using testing::SmallBackbone;

Options small(std::int64_t cells = 3) {
  Options options;
  options.crop = {12};
  options.cells = cells;
  options.hidden = 7;
  options.embedding = 5;
  return options;
}

std::shared_ptr<PixPro> make(const Options& options, const InputSpec& input = {},
                             std::int64_t batch = 2) {
  torch::manual_seed(2);
  auto method = std::make_shared<PixPro>(options, std::make_shared<SmallBackbone>(input),
                                         MethodInput{input, batch});
  method->to(torch::kFloat64);
  return method;
}

/// A view of side x side (x side) voxels whose corners lie at two points of the source, given in
/// the order x, y(, z).
View view_of(const std::vector<double>& from, const std::vector<double>& to, std::int64_t side) {
  const auto d = static_cast<std::int64_t>(from.size());
  auto matrix = torch::zeros({1, d, d + 1}, torch::kFloat64);
  for (std::int64_t axis = 0; axis < d; ++axis) {
    const auto k = static_cast<std::size_t>(d - 1 - axis);
    matrix[0][axis][axis] = (to[k] - from[k]) / static_cast<double>(side - 1);
    matrix[0][axis][d] = from[k];
  }
  std::vector<std::int64_t> shape(d + 2, 1);
  View view(Batch{torch::zeros(shape), {}, {"x"}, {}});
  view.resample(SpatialMap(matrix, std::vector<std::int64_t>(d, side)));
  return view;
}

using Pairs = std::set<std::pair<std::int64_t, std::int64_t>>;

Pairs near_pairs(const View& first, const View& second, std::int64_t cells) {
  const InputSpec input{1, first.dimensions()};
  const auto near = make(small(cells), input)->near(first, second, torch::kCPU)[0];
  Pairs pairs;
  for (std::int64_t i = 0; i < near.size(0); ++i)
    for (std::int64_t j = 0; j < near.size(1); ++j)
      if (near[i][j].item<bool>()) pairs.emplace(i, j);
  return pairs;
}

TEST_CASE("near cells of two boxes", "[pixpro]") {
  const auto second = view_of({0.2, 0.2}, {1, 1}, 12);
  CHECK(near_pairs(view_of({0, 0}, {0.6, 0.6}, 12), second, 3) == Pairs{{1, 0},
                                                                        {2, 1},
                                                                        {3, 0},
                                                                        {4, 0},
                                                                        {5, 0},
                                                                        {5, 1},
                                                                        {6, 3},
                                                                        {7, 0},
                                                                        {7, 3},
                                                                        {8, 0},
                                                                        {8, 1},
                                                                        {8, 3},
                                                                        {8, 4}});
  // Flipped: the box runs from right to left.
  CHECK(near_pairs(view_of({0.6, 0}, {0, 0.6}, 12), second, 3) == Pairs{{0, 1},
                                                                        {1, 0},
                                                                        {3, 0},
                                                                        {3, 1},
                                                                        {4, 0},
                                                                        {5, 0},
                                                                        {6, 0},
                                                                        {6, 1},
                                                                        {6, 3},
                                                                        {6, 4},
                                                                        {7, 0},
                                                                        {7, 3},
                                                                        {8, 3}});
}

TEST_CASE("near cells of two boxes in 3D", "[pixpro]") {
  CHECK(near_pairs(view_of({0, 0, 0}, {0.8, 0.8, 0.8}, 12), view_of({0.2, 0.2, 0.2}, {1, 1, 1}, 12),
                   3)
            .size() == 98);
  CHECK(near_pairs(view_of({0, 0, 0}, {0.8, 0.8, 0.8}, 12), view_of({0.2, 0, 0}, {1, 0.8, 0.8}, 12),
                   2)
            .size() == 36);
}

Views whole(const at::Tensor& image) {
  const Batch batch{image, {}, std::vector<std::string>(image.size(0), "x"), {}};
  Views views;
  views.emplace("first", View(batch));
  views.emplace("second", View(batch));
  return views;
}

TEST_CASE("a step trains what is online and leaves the copies alone", "[pixpro]") {
  for (const double image_weight : {0.0, 0.5})
    for (const std::int64_t d : {2, 3}) {
      auto options = small();
      options.crop =
          d == 2 ? std::vector<std::int64_t>{12, 16} : std::vector<std::int64_t>{12, 16, 12};
      options.image_weight = image_weight;
      auto method = make(options, {1, d});
      auto shape = options.crop;
      shape.insert(shape.begin(), {2, 1});
      auto views = whole(torch::rand(shape, torch::kFloat64));
      const auto result = method->step(views, {"train", 0, 10});
      REQUIRE(result.loss.isfinite().item<bool>());
      result.loss.backward();
      for (const auto& item : method->named_parameters()) {
        INFO(item.key());
        const bool copy = item.key().starts_with("key_");
        CHECK(item.value().requires_grad() == !copy);
        // Of the backbone only the finest level is looked at.
        const bool unused = item.key() == "backbone.weight0" || item.key() == "backbone.bias0" ||
                            item.key() == "backbone.weight1" || item.key() == "backbone.bias1";
        CHECK(item.value().grad().defined() == !(copy || unused));
      }
      // Cells of 11/3 x 5 (x 11/3) voxels. 2D: the distance of two above each other is 0.59
      // diagonals, beside each other 0.81: 1 + 4/3. 3D: 0.51, 0.69 and 0.51, all near: 1 + 3 * 4/3.
      CHECK(result.logs.at("pixpro/without_near_cells").item<std::int64_t>() == 0);
      CHECK(result.logs.at("pixpro/near_cells").item<double>() == Approx(d == 2 ? 7.0 / 3 : 5.0));
      CHECK(result.logs.at("pixpro/momentum").item<double>() == Approx(0.99));
      CHECK(result.logs.count("pixpro/image_cosine") == (image_weight > 0));
    }
}

TEST_CASE("the step is the sum of both directions", "[pixpro]") {
  auto method = make(small());
  auto views = whole(torch::rand({2, 1, 12, 12}, torch::kFloat64));
  views.at("second").set_image(views.at("first").image().flip(2));
  const auto there = method->predict(views.at("first").image()).cells;
  const auto back = method->predict(views.at("second").image()).cells;
  const auto first = method->target(views.at("first").image()).cells;
  const auto second = method->target(views.at("second").image()).cells;
  // Each cell is near itself: the diagonal's mean of -2 cos, 9 cells over 9 + 1e-6.
  const auto expected =
      -2 * ((there * second).sum(2) + (back * first).sum(2)).sum(1).mean() / (9 + 1e-6);
  CHECK(method->step(views, {"train"}).loss.item<double>() ==
        Approx(expected.item<double>()).epsilon(1e-12));
}

TEST_CASE("the step has the gradient of its loss", "[pixpro][gradient]") {
  auto options = small();
  options.image_weight = 0.5;
  options.value_layers = 2;
  auto method = make(options);
  const auto image = torch::rand({2, 1, 12, 12}, torch::kFloat64);
  // By the image: through both branches the gradient of the online one alone.
  const auto target = method->target(image.flip(3));
  const auto loss = [&](const at::Tensor& x) {
    const auto look = method->predict(x);
    return (look.cells * target.cells).sum() + (look.image * target.image).sum();
  };
  CHECK(testing::gradient_gap(loss, image) < 1e-6);
}

TEST_CASE("views that do not overlap give a loss of 0 with zero gradient", "[pixpro]") {
  auto method = make(small());
  Views views;
  views.emplace("first", view_of({0, 0}, {10, 10}, 12));
  views.emplace("second", view_of({100, 100}, {110, 110}, 12));
  for (auto& [name, view] : views) view.set_image(torch::rand({1, 1, 12, 12}, torch::kFloat64));
  const auto result = method->step(views, {"train"});
  CHECK(result.loss.item<double>() == 0);
  CHECK(result.logs.at("pixpro/without_near_cells").item<std::int64_t>() == 1);
  result.loss.backward();
  for (const auto& parameter : method->parameters())
    if (parameter.grad().defined()) CHECK(parameter.grad().abs().sum().item<double>() == 0);
}

TEST_CASE("the copies follow along a cosine", "[pixpro]") {
  // X4 of the sheet, at a quarter of the run and so on.
  const std::pair<std::int64_t, double> rows[] = {
      {0, 0.990000}, {1, 0.991464}, {2, 0.995000}, {3, 0.998536}, {4, 1.000000}};
  for (const auto& [step, momentum] : rows)
    CHECK(networks::cosine_momentum(0.99, step, 4) == Approx(momentum).margin(5e-7));

  auto options = small();
  options.momentum = 0.5;
  options.image_weight = 1;
  auto method = make(options);
  const auto online = method->named_parameters();
  {
    const torch::NoGradGuard no_grad;
    for (const auto& item : online)
      if (!item.key().starts_with("key_")) item.value().add_(1);
  }
  // After the first of two steps the momentum is that of the second: 1 - 0.5 * 0.5.
  method->after_step(0, 2);
  for (const auto& item : online) {
    const auto* copy = online.find("key_" + item.key());
    if (copy == nullptr) continue;
    INFO(item.key());
    CHECK(testing::max_gap(*copy, item.value() - 0.75) < 1e-12);
  }
  // After the last one it is 1.
  const auto before = online["key_projector.linear0.weight"].clone();
  method->after_step(1, 2);
  CHECK(torch::equal(online["key_projector.linear0.weight"], before));
}

TEST_CASE("PixPro has as many parameters as its description says", "[pixpro]") {
  Options options;
  const InputSpec input;
  const auto count = [&] {
    const PixPro method(options, std::make_shared<SmallBackbone>(input), {input, 24});
    std::int64_t numbers = 0;
    for (const auto& item : method.named_parameters())
      if (item.value().requires_grad() && !item.key().starts_with("backbone."))
        numbers += item.value().numel();
    return numbers;
  };
  // 4 channels -> 2048 with bias, scale and shift, -> 256 with bias.
  const std::int64_t projector = 4 * 2048 + 3 * 2048 + 2048 * 256 + 256;
  const std::int64_t value = 256 * 256 + 256;
  CHECK(count() == projector + value);
  options.value_layers = 0;
  CHECK(count() == projector);
  options.value_layers = 2;
  CHECK(count() == projector + 2 * value + 2 * 256);
  options.value_layers = 0;
  options.image_weight = 1;
  CHECK(count() == 2 * projector + 256 * 2048 + 3 * 2048 + 2048 * 256 + 256);
}

TEST_CASE("cells default to 24 in 2D and 8 in 3D", "[pixpro]") {
  auto options = small();
  options.cells.reset();
  options.crop = {24};
  auto plane = make(options, {1, 2});
  CHECK(plane->target(torch::rand({1, 1, 24, 24}, torch::kFloat64)).cells.size(1) == 24 * 24);
  options.crop = {8};
  auto volume = make(options, {1, 3});
  CHECK(volume->target(torch::rand({1, 1, 8, 8, 8}, torch::kFloat64)).cells.size(1) == 8 * 8 * 8);
}

TEST_CASE("the monitors see the same places of both views", "[pixpro]") {
  auto method = make(small());
  method->eval();
  auto views = whole(torch::rand({3, 1, 12, 12}, torch::kFloat64));
  const auto seen = method->embed(views);
  CHECK(seen.at("h").first.sizes() == at::IntArrayRef({3, 6}));
  CHECK(seen.at("z").first.sizes() == at::IntArrayRef({3 * 9, 5}));
  // The views are the same here.
  CHECK(torch::equal(seen.at("z").first, seen.at("z").second));
  CHECK(torch::equal(seen.at("h").first, seen.at("h").second));
}

TEST_CASE("PixPro says what does not fit", "[pixpro][errors]") {
  auto options = small();
  options.crop = {12, 12, 12};
  CHECK_THROWS_WITH(make(options), "[method] 'crop' has 3 numbers, the images have 2 axes");
  options = small(24);
  CHECK_THROWS_WITH(make(options),
                    "[method] 'cells' is 24, more than the finest level has voxels along the "
                    "shortest side of 'crop', which is 12");
  options = small(1);
  options.head_norm = "batch";
  CHECK_THROWS_WITH(make(options, {}, 1),
                    Catch::Contains("'head_norm' = \"batch\" needs two rows"));
}

TEST_CASE("PixPro's options are described", "[pixpro]") {
  const auto doc = schema_of<Options>().doc();
  CHECK(doc.family == "DBCL");
  CHECK(doc.options.size() == 11);
  CHECK_THROWS_WITH(schema_of<Options>().parse({{"crop", OptionArray{}}}, "method"),
                    Catch::Contains("'crop' must be one number, or one an axis"));
}

}  // namespace
}  // namespace covector::pixpro
