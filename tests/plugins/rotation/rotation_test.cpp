#include "rotation.h"

#include "support/catch.h"
#include "support/numeric.h"
#include "support/scratch_folder.h"

#include "covector/networks/momentum.h"
#include "plugins/default_views.h"
#include "plugins/method_checks.h"
#include "unet.h"

#include <ATen/autocast_mode.h>
#include <torch/optim/adam.h>

#include <cmath>
#include <set>

namespace covector::rotation {
namespace {

using testing::max_gap;

at::Tensor grid(const std::vector<double>& values, at::IntArrayRef size) {
  std::vector<std::int64_t> shape = {1, 1};
  shape.insert(shape.end(), size.begin(), size.end());
  return torch::tensor(values, torch::kFloat64).view(shape);
}

std::shared_ptr<Rotation> make(const Options& options, std::int64_t dimensions,
                               std::vector<std::int64_t> crop = {8}) {
  torch::manual_seed(5);
  auto given = options;
  given.crop = std::move(crop);
  const InputSpec input{1, dimensions};
  auto method = std::make_shared<Rotation>(given, std::make_shared<testing::SmallBackbone>(input),
                                           MethodInput{input, 3});
  method->to(torch::kFloat64);
  return method;
}

Views one_view(const at::Tensor& image) {
  Views views;
  views.emplace("image", testing::view_of(image));
  return views;
}

Views random_view(std::int64_t batch, std::int64_t dimensions) {
  std::vector<std::int64_t> shape(dimensions + 2, 8);
  shape[0] = batch;
  shape[1] = 1;
  return one_view(torch::randn(shape, torch::kFloat64));
}

Options with(std::optional<std::int64_t> classes, std::optional<std::string> rotations) {
  Options options;
  options.classes = classes;
  options.rotations = std::move(rotations);
  return options;
}

TEST_CASE("the four turns of an image", "[rotation]") {
  const auto x = grid({1, 2, 3, 4}, {2, 2});
  CHECK(torch::equal(turned(x, 0, 4), x));
  CHECK(torch::equal(turned(x, 1, 4), grid({2, 4, 1, 3}, {2, 2})));
  CHECK(torch::equal(turned(x, 2, 4), grid({4, 3, 2, 1}, {2, 2})));
  CHECK(torch::equal(turned(x, 3, 4), grid({3, 1, 4, 2}, {2, 2})));
  CHECK(torch::equal(turned(grid({1, 2, 3, 4, 5, 6}, {2, 3}), 1, 4),
                     grid({3, 6, 2, 5, 1, 4}, {3, 2})));
  // Two mirrored axes are half a turn, which is why no more than one is mirrored.
  CHECK(torch::equal(turned(x, 2, 4), x.flip({2, 3})));
  // Of a volume, every slice.
  const auto volume = torch::cat({x.unsqueeze(2), 10 * x.unsqueeze(2)}, 2);
  CHECK(torch::equal(turned(volume, 1, 4).select(2, 1), 10 * turned(x, 1, 4)));
}

TEST_CASE("the ten turns of a volume", "[rotation]") {
  const auto x = grid({0, 1, 2, 3, 4, 5, 6, 7}, {2, 2, 2});
  const std::vector<std::vector<double>> wanted = {
      {0, 1, 2, 3, 4, 5, 6, 7}, {2, 3, 6, 7, 0, 1, 4, 5}, {6, 7, 4, 5, 2, 3, 0, 1},
      {4, 5, 0, 1, 6, 7, 2, 3}, {1, 3, 0, 2, 5, 7, 4, 6}, {3, 2, 1, 0, 7, 6, 5, 4},
      {2, 0, 3, 1, 6, 4, 7, 5}, {1, 5, 3, 7, 0, 4, 2, 6}, {5, 4, 7, 6, 1, 0, 3, 2},
      {4, 0, 6, 2, 5, 1, 7, 3}};
  for (std::int64_t label = 0; label < 10; ++label) {
    INFO("class " << label);
    CHECK(torch::equal(turned(x, label, 10), grid(wanted[label], {2, 2, 2})));
  }
}

// Sets the scores of a method whatever it sees: class k scores k-th number.
void answer(Rotation& method, const std::vector<double>& scores) {
  const torch::NoGradGuard no_grad;
  method.named_parameters()["classifier.weight"].zero_();
  method.named_parameters()["classifier.bias"].copy_(torch::tensor(scores, torch::kFloat64));
}

TEST_CASE("the loss of rotation at printed scores", "[rotation]") {
  // Each row of scores on its own, with all four labels; of those losses the row's own label.
  const std::vector<std::vector<double>> rows = {
      {2, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 3, 0}, {1, 0, 0, -1}};
  const std::vector<double> wanted = {0.340753, 0.743668, 0.139206, 2.626523};
  const auto scores = [&] {
    std::vector<at::Tensor> all;
    for (const auto& row : rows) all.push_back(torch::tensor(row, torch::kFloat64));
    return torch::stack(all);
  }();
  const auto own = torch::arange(4);
  const auto each = at::cross_entropy_loss(scores, own, {}, at::Reduction::None);
  for (int i = 0; i < 4; ++i) CHECK(each[i].item<double>() == Approx(wanted[i]).margin(5e-7));
  CHECK(each.mean().item<double>() == Approx(0.962538).margin(5e-7));
  // The method with constant scores: the mean over all labels of logsumexp - score.
  for (const auto& row : rows) {
    const auto method = make(Options{}, 2);
    answer(*method, row);
    double sum = 0;
    double mean = 0;
    for (const auto s : row) {
      sum += std::exp(s);
      mean += s / 4;
    }
    auto views = random_view(2, 2);
    const auto result = method->step(views, {"train"});
    CHECK(result.loss.item<double>() == Approx(std::log(sum) - mean).epsilon(1e-12));
    CHECK(result.logs.at("rotation/accuracy").item<double>() == Approx(0.25));
  }
}

TEST_CASE("without knowledge the loss is that of chance", "[rotation]") {
  const auto chance = [](const Options& options, std::int64_t d) {
    const auto method = make(options, d);
    answer(*method, std::vector<double>(method->classes(), 0.0));
    auto views = random_view(2, d);
    return method->step(views, {"train"}).loss.item<double>();
  };
  CHECK(chance(Options{}, 2) == Approx(1.386294).margin(5e-7));
  CHECK(chance(Options{}, 3) == Approx(2.302585).margin(5e-7));
}

TEST_CASE("every image is seen turned by every class, with that label", "[rotation]") {
  const auto method = make(Options{}, 2);
  CHECK(method->classes() == 4);
  CHECK(method->all_rotations());
  const auto image = torch::randn({2, 1, 8, 8}, torch::kFloat64);
  auto views = one_view(image);
  const auto backbone = std::dynamic_pointer_cast<Backbone>(method->named_children()["backbone"]);
  const auto weight = method->named_parameters()["classifier.weight"];
  double sum = 0;
  for (std::int64_t label = 0; label < 4; ++label) {
    const auto h = backbone->pyramid(torch::rot90(image, label, {2, 3})).front().mean({2, 3});
    sum += -torch::matmul(h, weight.t()).log_softmax(1).select(1, label).sum().item<double>();
  }
  CHECK(method->step(views, {"train"}).loss.item<double>() == Approx(sum / 8).epsilon(1e-12));
  // The bias starts at 0.
  CHECK(method->named_parameters()["classifier.bias"].abs().max().item<double>() == 0);
}

TEST_CASE("one turn an image, classes as even as the batch allows", "[rotation]") {
  const auto method = make(Options{}, 3);
  CHECK(method->classes() == 10);
  CHECK_FALSE(method->all_rotations());
  // Told from the confusion matrix: twenty images, two of each class.
  auto views = random_view(20, 3);
  method->step(views, {"train"});
  const auto seen = method->named_buffers()["confusion"].sum(1);
  CHECK(torch::equal(seen, torch::full({10}, 2, torch::kFloat64)));
  // Two images are of two classes, which differ from step to step.
  std::set<std::pair<std::int64_t, std::int64_t>> pairs;
  for (int step = 0; step < 30; ++step) {
    method->named_buffers()["confusion"].zero_();
    auto two = random_view(2, 3);
    method->step(two, {"train"});
    const auto classes = method->named_buffers()["confusion"].sum(1).nonzero();
    REQUIRE(classes.size(0) == 2);
    pairs.emplace(classes[0][0].item<std::int64_t>(), classes[1][0].item<std::int64_t>());
  }
  CHECK(pairs.size() > 10);
}

TEST_CASE("accuracy is told class by class, the past fading", "[rotation]") {
  const auto method = make(Options{}, 2);
  answer(*method, {0, 0, 1, 0});  // always class 2
  auto views = random_view(3, 2);
  auto logs = method->step(views, {"train"}).logs;
  CHECK(logs.at("rotation/accuracy_class_2").item<double>() == Approx(1.0));
  CHECK(logs.at("rotation/accuracy_class_0").item<double>() == Approx(0.0).margin(1e-12));
  answer(*method, {1, 0, 0, 0});
  logs = method->step(views, {"train"}).logs;
  // Three right now, three wrong before that count 0.99.
  CHECK(logs.at("rotation/accuracy_class_0").item<double>() == Approx(3 / (3 + 3 * 0.99)));
  CHECK(logs.at("rotation/accuracy_class_2").item<double>() == Approx(3 * 0.99 / (3 + 3 * 0.99)));
}

TEST_CASE("a step of rotation", "[rotation]") {
  for (const std::int64_t d : {2, 3})
    for (const auto* rotations : {"all", "one"})
      for (const std::int64_t batch : {3, 1}) {
        const auto method = make(with({}, rotations), d);
        CHECK(method->transfers() == Transfer::encoder);
        auto views = random_view(batch, d);
        const auto result = method->step(views, {"train"});
        CHECK(result.loss.isfinite().item<bool>());
        CHECK(result.logs.size() == static_cast<std::size_t>(1 + method->classes()));
        for (const auto& [name, value] : result.logs) CHECK_FALSE(value.requires_grad());
        CHECK(method->step(views, {"train", 0, 1, false}).logs.empty());
        result.loss.backward();
        for (const auto& item : method->named_parameters()) {
          INFO(item.key());
          const bool decoder = item.key().rfind("backbone.", 0) == 0 && item.key().back() != '0';
          CHECK(item.value().grad().defined() == !decoder);
        }
        // 6 weights a class and a bias.
        CHECK(testing::size_of(*method->named_children()["classifier"]) == 7 * method->classes());
      }
}

TEST_CASE("rotation has the gradient of its formula", "[rotation][gradient]") {
  const auto method = make(Options{}, 2);
  auto views = random_view(2, 2);
  auto weight = method->named_parameters()["classifier.weight"];
  const auto start = weight.detach().clone();
  method->step(views, {"train", 0, 1, false}).loss.backward();
  const torch::NoGradGuard no_grad;
  const auto loss_at = [&](std::int64_t i, double moved) {
    weight.copy_(start);
    weight.view({-1})[i] += moved;
    return method->step(views, {"train", 0, 1, false}).loss.item<double>();
  };
  for (std::int64_t i = 0; i < 8; ++i)
    CHECK(weight.grad().flatten()[i].item<double>() ==
          Approx((loss_at(i, 1e-6) - loss_at(i, -1e-6)) / 2e-6).epsilon(1e-6));
}

TEST_CASE("rotation mirrors one axis of a plain crop", "[rotation]") {
  const auto text = [](const Rotation& method) {
    std::string all;
    const auto specs = method.views();
    for (const auto& element : specs.at(0).chain) all += to_toml(element) + "\n";
    return all;
  };
  CHECK(text(*make(Options{}, 2)) == R"({ type = "crop", size = [8, 8] }
{ type = "flip", axis_probability = [0.0, 0.5] }
)");
  CHECK(text(*make(Options{}, 3)) == R"({ type = "crop", size = [8, 8, 8] }
{ type = "flip", axis_probability = [0.0, 0.0, 0.5] }
)");
}

TEST_CASE("crops that are no cubes are turned in one plane", "[rotation]") {
  const auto method = make(Options{}, 3, {4, 8, 8});
  CHECK(method->classes() == 4);
  auto views = one_view(torch::randn({2, 1, 4, 8, 8}, torch::kFloat64));
  CHECK(method->step(views, {"train"}).loss.isfinite().item<bool>());
  CHECK(make(with(4, {}), 3)->classes() == 4);
}

TEST_CASE("rotation resumes with its confusion matrix, and runs in half precision", "[rotation]") {
  const auto method = make(Options{}, 2);
  method->to(torch::kFloat32);
  auto views = one_view(torch::rand({3, 1, 8, 8}));
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const auto half = method->step(views, {"train"}).loss;
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  CHECK(half.scalar_type() == torch::kFloat32);
  const auto full = method->step(views, {"train"}).loss;
  CHECK(half.item<double>() == Approx(full.item<double>()).epsilon(0.02));
  const auto other = make(Options{}, 2);
  other->to(torch::kFloat32);
  networks::copy_weights(*method, *other);
  CHECK(other->named_buffers()["confusion"].sum().item<double>() > 20);
  torch::manual_seed(3);
  const auto a = method->step(views, {"train"}).logs;
  torch::manual_seed(3);
  const auto b = other->step(views, {"train"}).logs;
  for (const auto& [name, value] : a) CHECK(torch::equal(value, b.at(name)));
}

TEST_CASE("rotation draws turned images and who is taken for whom", "[rotation]") {
  for (const std::int64_t d : {2, 3}) {
    const auto method = make(Options{}, d);
    auto views = random_view(3, d);
    const testing::ScratchFolder folder;
    method->draw(views, folder.path());
    for (const auto* name : {"0-turned.png", "2-turned.png", "confusion.png", "pictures.json"})
      CHECK(std::filesystem::exists(folder / name));
  }
}

TEST_CASE("rotation learns on its default views", "[rotation][views]") {
  // A convolution has to tell up from down, and the images have to: waves under a shade from dark
  // to bright.
  torch::manual_seed(6);
  Options options;
  options.crop = {16};
  unet::Options network;
  network.channels = {8, 8, 8, 8, 16, 8, 8, 8, 8};
  const InputSpec input{1, 2};
  const auto method = std::make_shared<Rotation>(
      options, std::make_shared<unet::Unet>(network, input), MethodInput{input, 4});
  const testing::DefaultViews views(method->views());
  const auto shade = torch::linspace(0, 1, 20).view({1, 1, 20, 1});
  const auto images = 0.3 * testing::wavy_images(4, {20, 24}) + shade;
  torch::optim::Adam adam(method->parameters(), torch::optim::AdamOptions(3e-3));
  constexpr std::int64_t kSteps = 60;
  std::vector<double> losses;
  for (std::int64_t step = 0; step < kSteps; ++step) {
    auto seen = views.of(images, step);
    adam.zero_grad();
    const auto loss = method->step(seen, {"train", step, kSteps, false}).loss;
    loss.backward();
    adam.step();
    losses.push_back(loss.item<double>());
  }
  INFO(losses.front() << " to " << losses.back());
  CHECK(losses.front() > 1.2);  // about ln 4
  CHECK(losses.back() < 0.8);
}

TEST_CASE("rotation says which crops cannot be turned", "[rotation][errors]") {
  CHECK_THROWS_AS(make(Options{}, 2, {8, 12}), RecipeError);
  CHECK_THROWS_WITH(make(Options{}, 2, {8, 12}),
                    "[method] 'crop' must have equal last two sides to be turned by 90 degrees, "
                    "got [8, 12]");
  CHECK_THROWS_WITH(make(Options{}, 3, {8, 8, 12}),
                    "[method] 'crop' must have equal last two sides to be turned by 90 degrees, "
                    "got [8, 8, 12]");
  CHECK_THROWS_WITH(make(with(10, {}), 2),
                    "[method] 'classes' = 10 turns volumes about three axes; images have 4");
  CHECK_THROWS_WITH(make(with(10, {}), 3, {4, 8, 8}),
                    "[method] 'classes' = 10 needs a crop with equal sides, got [4, 8, 8]; take "
                    "such a crop, or 4 classes");
  testing::check_crop_errors<Rotation>(Options{});
  const auto parse = [](OptionTable table) { schema_of<Options>().parse(table, "method"); };
  CHECK_THROWS_WITH(parse({{"classes", 24}}), Catch::Contains("'classes' must be one of 4, 10"));
  CHECK_THROWS_WITH(parse({{"rotations", "two"}}),
                    Catch::Contains(R"('rotations' must be one of "all", "one")"));
  CHECK_THROWS_WITH(parse({{"crop", OptionArray{}}}),
                    Catch::Contains("'crop' must be one number, or one an axis"));
}

}  // namespace
}  // namespace covector::rotation
