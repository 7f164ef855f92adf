#include "support/catch.h"
#include "support/numeric.h"

#include "covector/transforms/corruption/inpaint.h"
#include "covector/transforms/corruption/outpaint.h"
#include "sources.h"

#include <torch/types.h>

#include <cmath>

using namespace covector;
using namespace covector::transforms;
using covector::testing::batch_of;
using covector::testing::independent;
using covector::testing::made;
using covector::testing::max_gap;
using covector::testing::mean_is;
using covector::testing::only_applied_change;
using covector::testing::speckle;

namespace {

using Size = std::vector<std::int64_t>;

at::Tensor numbers(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64);
}

// Mean and number of boxes of the coverage of many samples, without filling an image.
struct Covered {
  at::Tensor share;
  at::Tensor boxes;
};
Covered covered(const InpaintOptions& options, const Size& size, std::uint64_t samples) {
  std::vector<double> share;
  std::vector<double> count;
  for (std::uint64_t n = 0; n < samples; ++n) {
    RandomStream stream(11, "coverage", {n});
    const auto boxes = draw_boxes(options, size, stream);
    count.push_back(static_cast<double>(boxes.size()));
    share.push_back(box_mask({boxes}, size).to(torch::kFloat64).mean().item<double>());
  }
  return {numbers(share), numbers(count)};
}

// Mean within four standard errors of the spread that the sample itself shows, and half a digit of
// the number printed elsewhere.
bool printed_mean(const at::Tensor& drawn, double printed, double half_digit) {
  const auto error = drawn.std().item<double>() / std::sqrt(static_cast<double>(drawn.numel()));
  return std::abs(drawn.mean().item<double>() - printed) < 4 * error + half_digit;
}

InpaintOptions genesis_boxes() {
  InpaintOptions options;
  options.boxes = 5;
  options.side = {1.0 / 6, 1.0 / 3};
  options.largest_side = true;
  return options;
}

}  // namespace

TEST_CASE("box_mask marks the voxels of each sample's boxes", "[transforms]") {
  const auto mask = box_mask({{{{1, 0}, {2, 3}}, {{0, 4}, {1, 1}}}, {}}, {4, 5});
  const auto wanted = torch::tensor({0, 0, 0, 0, 1,  //
                                     1, 1, 1, 0, 0,  //
                                     1, 1, 1, 0, 0,  //
                                     0, 0, 0, 0, 0})
                          .view({4, 5})
                          .to(torch::kBool);
  CHECK(torch::equal(mask[0][0], wanted));
  CHECK(mask[1].sum().item<std::int64_t>() == 0);
  CHECK(box_mask({{{{1, 0, 2}, {2, 3, 1}}}}, {4, 5, 6}).sum().item<std::int64_t>() == 6);
}

TEST_CASE("boxes are as many, as large and where the published code draws them", "[transforms]") {
  const InpaintOptions options;
  const Size size = {60, 96, 75};
  std::vector<double> counts;
  std::vector<std::vector<double>> sides(3);
  for (std::uint64_t n = 0; n < 2000; ++n) {
    RandomStream stream(3, "boxes", {n});
    const auto boxes = draw_boxes(options, size, stream);
    counts.push_back(static_cast<double>(boxes.size()));
    for (const auto& box : boxes)
      for (std::size_t axis = 0; axis < 3; ++axis) {
        REQUIRE(box.begin[axis] >= 3);
        REQUIRE(box.begin[axis] + box.size[axis] <= size[axis] - 3);
        sides[axis].push_back(static_cast<double>(box.size[axis]));
      }
  }
  // sum of 0.95^k, k = 1 .. 10, and the variance of that truncated count.
  double mean = 0;
  double square = 0;
  for (int k = 1; k <= 10; ++k) {
    mean += std::pow(0.95, k);
    square += (2 * k - 1) * std::pow(0.95, k);
  }
  CHECK(mean_is(numbers(counts), mean, std::sqrt(square - mean * mean)));
  // 3 * 60 / 30 = 6 up to 8, 9.6 and 12.8 floored, 7.5 and 10 floored.
  const std::vector<std::pair<double, double>> wanted = {{6, 7}, {9, 11}, {7, 9}};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto drawn = numbers(sides[axis]);
    CHECK(drawn.min().item<double>() == wanted[axis].first);
    CHECK(drawn.max().item<double>() == wanted[axis].second);
  }
}

TEST_CASE("the sides of boxes follow the integer rule of the published code", "[transforms]") {
  InpaintOptions options;
  options.go_on = 1;
  options.boxes = 1;
  for (std::int64_t length = 12; length < 700; ++length) {
    const auto low = std::max<std::int64_t>(1, 3 * length / 30);
    const auto high = std::max(low + 1, 4 * length / 30);
    RandomStream stream(4, "side", {static_cast<std::uint64_t>(length)});
    const auto box = draw_boxes(options, {length, length}, stream).at(0);
    for (const auto side : box.size) REQUIRE((low <= side && side < high));
  }
}

TEST_CASE("in-painting overwrites boxes and nothing else", "[transforms]") {
  InpaintOptions options;
  options.go_on = 1;
  options.boxes = 2;
  options.noise = {5, 6};
  for (const auto& size : {Size{40, 31}, Size{16, 20, 31}}) {
    const auto batch = speckle(3, 2, size);
    const auto image = made(Inpaint(options), batch).image();
    const auto changed = image != batch.image;
    CHECK(torch::equal(changed.select(1, 0), changed.select(1, 1)));
    CHECK(torch::equal(image.select(1, 0).masked_select(changed.select(1, 0)),
                       image.select(1, 1).masked_select(changed.select(1, 1))));
    const auto filled = image.masked_select(changed);
    CHECK(filled.min().item<double>() >= 5);
    CHECK(filled.max().item<double>() < 6);
    for (std::int64_t n = 0; n < 3; ++n) CHECK(changed[n].any().item<bool>());
  }
}

TEST_CASE("as many boxes are drawn as the chance to go on says", "[transforms]") {
  // Sums of 0.95^k and 0.95^cap, to six digits.
  struct Row {
    std::int64_t cap;
    double mean, all;
  };
  for (const auto& row :
       {Row{5, 4.298162, 0.773781}, Row{10, 7.623998, 0.598737}, Row{30, 14.921863, 0.214639}}) {
    InpaintOptions options;
    options.boxes = row.cap;
    std::vector<double> counts;
    for (std::uint64_t n = 0; n < 4000; ++n) {
      RandomStream stream(3, "count", {n});
      counts.push_back(static_cast<double>(draw_boxes(options, {60, 60}, stream).size()));
    }
    const auto drawn = numbers(counts);
    CHECK(printed_mean(drawn, row.mean, 5e-7));
    const auto share = [&](double count) { return (drawn == count).to(torch::kFloat64); };
    CHECK(
        mean_is(share(static_cast<double>(row.cap)), row.all, std::sqrt(row.all * (1 - row.all))));
    CHECK(mean_is(share(0), 0.05, std::sqrt(0.05 * 0.95)));
  }
}

TEST_CASE("the boxes of Models Genesis cover what they cover elsewhere", "[transforms]") {
  CHECK(printed_mean(covered(genesis_boxes(), {64, 64, 32}, 400).share, 0.055, 5e-4));
  CHECK(printed_mean(covered(genesis_boxes(), {384, 384}, 400).share, 0.228, 5e-4));
  CHECK(printed_mean(covered(genesis_boxes(), {128, 128, 128}, 60).share, 0.060, 5e-4));
}

TEST_CASE("the small boxes of GVSL, GEMINI and COVER cover what they cover elsewhere",
          "[transforms]") {
  InpaintOptions volume;
  volume.boxes = 30;
  volume.side = {1.0 / 10, 1.0 / 5};
  CHECK(printed_mean(covered(volume, {128, 128, 128}, 60).share, 0.038, 5e-4));
  InpaintOptions flat;
  flat.side = {1.0 / 20, 1.0 / 10};
  CHECK(printed_mean(covered(flat, {384, 384}, 400).share, 0.039, 5e-4));
  CHECK(printed_mean(covered(InpaintOptions{}, {384, 384}, 400).share, 0.094, 5e-4));
  CHECK(printed_mean(covered(InpaintOptions{}, {128, 128, 128}, 60).share, 0.010, 5e-4));
}

TEST_CASE("boxes are drawn until they cover their share, and no longer", "[transforms]") {
  InpaintOptions options;
  options.margin = 0;
  options.coverage = {0.2, 0.3};
  options.side = {1.0 / 16, 1.0 / 6};
  options.largest_side = true;
  const auto flat = covered(options, {384, 384}, 300);
  CHECK(printed_mean(flat.share, 0.256, 5e-4));
  CHECK(printed_mean(flat.boxes, 23, 0.5));
  CHECK(flat.share.min().item<double>() >= 0.2);
  CHECK(flat.share.max().item<double>() <= 0.3 + 1.0 / 36);  // and the last box
  options.side = {1.0 / 8, 1.0 / 4};
  const auto deep = covered(options, {64, 64, 64}, 100);
  CHECK(printed_mean(deep.share, 0.2535, 1e-3));
  CHECK(printed_mean(deep.boxes, 47, 1.5));
  // Share after share: without its last box a sample has not enough.
  options.coverage = {0.25, 0.25};
  RandomStream stream(4, "enough");
  auto boxes = draw_boxes(options, {40, 30, 20}, stream);
  const auto share = [&] {
    return box_mask({boxes}, {40, 30, 20}).to(torch::kFloat64).mean().item<double>();
  };
  CHECK(share() >= 0.25);
  boxes.pop_back();
  CHECK(share() < 0.25);
}

TEST_CASE("sides reach the largest only where they are to", "[transforms]") {
  for (const bool largest : {false, true}) {
    InpaintOptions options;
    options.go_on = 1;
    options.boxes = 200;
    options.side = {0.2, 0.4};
    options.largest_side = largest;
    RandomStream stream(4, "largest");
    std::int64_t longest = 0;
    for (const auto& box : draw_boxes(options, {30, 30}, stream))
      longest = std::max(longest, box.size[0]);
    CHECK(longest == (largest ? 12 : 11));
  }
}

TEST_CASE("boxes are filled with noise, a constant or the mean of each channel", "[transforms]") {
  InpaintOptions options;
  options.go_on = 1;
  const auto batch = speckle(2, 2, {30, 24});
  options.fill = "constant";
  options.constant = 7;
  auto constant = made(Inpaint(options), batch);
  CHECK(torch::equal(constant.marked().expand({-1, 2, -1, -1}), constant.image() == 7));
  options.fill = "mean";
  auto mean = made(Inpaint(options), batch);
  const auto wanted = batch.image.mean({2, 3}, true).expand_as(batch.image);
  const auto marked = mean.marked().expand({-1, 2, -1, -1});
  CHECK(torch::equal(marked, constant.image() == 7));
  CHECK(torch::equal(mean.image().masked_select(marked), wanted.masked_select(marked)));
}

TEST_CASE("windows of out-painting are as many and as large as elsewhere", "[transforms]") {
  const OutpaintOptions options;
  const Size size = {70, 49};
  std::vector<double> counts;
  std::vector<double> heights;
  for (std::uint64_t n = 0; n < 2000; ++n) {
    RandomStream stream(3, "windows", {n});
    const auto windows = draw_windows(options, size, stream);
    counts.push_back(static_cast<double>(windows.size()));
    for (const auto& window : windows) {
      heights.push_back(static_cast<double>(window.size[0]));
      for (std::size_t axis = 0; axis < 2; ++axis) {
        REQUIRE(window.begin[axis] >= 3);
        REQUIRE(window.begin[axis] + window.size[axis] <= size[axis] - 3);
      }
    }
  }
  CHECK(printed_mean(numbers(counts), 4.524, 5e-4));
  CHECK(numbers(counts).min().item<double>() == 1);
  CHECK(numbers(heights).min().item<double>() == 30);  // 70 - 40
  CHECK(numbers(heights).max().item<double>() == 40);  // 70 - 30
}

TEST_CASE("out-painting overwrites what it overwrites elsewhere", "[transforms]") {
  const auto replaced = [](const Size& size, std::uint64_t samples) {
    std::vector<double> share;
    for (std::uint64_t n = 0; n < samples; ++n) {
      RandomStream stream(5, "outside", {n});
      const auto kept = box_mask({draw_windows(OutpaintOptions{}, size, stream)}, size);
      share.push_back(1 - kept.to(torch::kFloat64).mean().item<double>());
    }
    return numbers(share);
  };
  CHECK(printed_mean(replaced({64, 64, 32}, 400), 0.681, 5e-4));
  CHECK(printed_mean(replaced({384, 384}, 400), 0.450, 5e-4));
  CHECK(printed_mean(replaced({128, 128, 128}, 60), 0.654, 5e-4));
}

TEST_CASE("out-painting keeps its windows and fills the rest with noise", "[transforms]") {
  OutpaintOptions options;
  options.noise = {5, 6};
  const auto batch = speckle(3, 2, {40, 31});
  auto view = made(Outpaint(options), batch);
  const auto outside = view.marked().expand_as(batch.image);
  const auto filled = view.image().masked_select(outside);
  CHECK(filled.min().item<double>() >= 5);
  CHECK(filled.max().item<double>() < 6);
  CHECK(torch::equal(view.image().masked_select(outside.logical_not()),
                     batch.image.masked_select(outside.logical_not())));
}

TEST_CASE("paint in-paints one sample in five and out-paints the others", "[transforms]") {
  const auto batch = batch_of(torch::full({600, 1, 30, 30}, 2.0));
  auto view = made(Paint(PaintOptions{}), batch);
  const auto share = view.marked().to(torch::kFloat64).flatten(1).mean(1);
  // Every border voxel is overwritten by out-painting and none by in-painting.
  const auto corner = view.marked().select(3, 0).select(2, 0).flatten().to(torch::kFloat64);
  CHECK(mean_is(corner, 0.8, 0.4));
  const auto in = share.masked_select(corner == 0);
  CHECK(mean_is((in == 0).to(torch::kFloat64), 0.05, std::sqrt(0.05 * 0.95)));
  // Sides 5 .. 10 of 30: one box covers at most 1 / 9, five at most 5 / 9.
  CHECK(in.max().item<double>() <= 5.0 / 9);
  CHECK(view.image().masked_select(view.marked()).max().item<double>() < 1);
}

TEST_CASE("painting changes sample by sample, in place, in 2D and 3D", "[transforms]") {
  InpaintOptions covering;
  covering.margin = 0;
  covering.coverage = {0.2, 0.3};
  covering.side = {0.2, 0.4};
  for (const auto& size : {Size{20, 19}, Size{17, 18, 20}}) {
    const auto batch = speckle(3, 2, size);
    const auto check = [&](const Transform& transform) {
      CHECK(independent(transform, batch));
      CHECK(only_applied_change(transform, batch, {0, 1, 0}));
      const auto view = made(transform, batch);
      CHECK(torch::equal(view.map().matrix(), SpatialMap::identity(3, size).matrix()));
    };
    check(Inpaint(InpaintOptions{}));
    check(Inpaint(covering));
    check(Outpaint(OutpaintOptions{}));
    check(Paint(PaintOptions{}));
  }
}

TEST_CASE("painting says what is wrong", "[transforms][errors]") {
  InpaintOptions options;
  options.go_on = 1;
  const auto narrow = speckle(1, 1, {6, 40});
  CHECK_THROWS_WITH(made(Inpaint(options), narrow),
                    Catch::Contains("inpaint: a view of [6, 40] has no room for a box of [1, ") &&
                        Catch::Contains("with a margin of 3; make the boxes or 'margin' smaller "
                                        "or the views larger"));
  CHECK_THROWS_AS(made(Inpaint(options), narrow), RecipeError);
  CHECK_THROWS_WITH(made(Outpaint(OutpaintOptions{}), narrow),
                    Catch::Contains("outpaint: a view of [6, 40] has no room for a box of ["));
  options.coverage = {0.2, 0.6};
  options.margin = 5;
  CHECK_THROWS_WITH(made(Inpaint(options), speckle(1, 1, {20, 20})),
                    "inpaint: a coverage of 0.6 is out of reach of boxes with a margin of 5 in a "
                    "view of [20, 20], which cover up to 0.225 in reasonable time; make "
                    "'coverage' or 'margin' smaller");
  const auto parse = [](OptionArray coverage) {
    schema_of<InpaintOptions>().parse(OptionTable{{"coverage", std::move(coverage)}}, "views.v");
  };
  CHECK_THROWS_WITH(parse({0.3}),
                    Catch::Contains("'coverage' must be empty, or two numbers, the smaller first"));
}
