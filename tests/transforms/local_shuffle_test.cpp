#include "support/catch.h"
#include "support/numeric.h"

#include "covector/transforms/corruption/local_shuffle.h"
#include "sources.h"

#include <torch/types.h>

#include <chrono>
#include <cmath>
#include <numeric>
#include <set>

using namespace covector;
using namespace covector::transforms;
using covector::testing::batch_of;
using covector::testing::independent;
using covector::testing::made;
using covector::testing::only_applied_change;
using covector::testing::speckle;

namespace {

using Size = std::vector<std::int64_t>;

LocalShuffleOptions shuffle(double low, double high, std::int64_t windows,
                            const std::string& permutation = "own") {
  LocalShuffleOptions options;
  options.side = {low, high};
  options.windows = windows;
  options.permutation = permutation;
  return options;
}

double written(const std::vector<Box>& windows, const Size& size) {
  double total = 0;
  for (const auto& window : windows)
    total += std::accumulate(window.size.begin(), window.size.end(), 1.0, std::multiplies<>());
  return total / std::accumulate(size.begin(), size.end(), 1.0, std::multiplies<>());
}

double share_inside(const std::vector<Box>& windows, const Size& size) {
  return box_mask({windows}, size).to(torch::kFloat64).mean().item<double>();
}

}  // namespace

TEST_CASE("windows grow in number with the image", "[transforms]") {
  const LocalShuffleOptions options;
  CHECK(window_count(options, {64, 64, 32}) == 10'000);
  CHECK(window_count(options, {128, 128, 128}) == 14'274);
  CHECK(window_count(options, {384, 384}) == 725);
  CHECK(window_count(options, {96, 96, 96}) == 13'230);
  CHECK(window_count(options, {8, 8}) == 120);  // sides of 1: 1.8692 * 64 = 119.6
  CHECK(window_count(shuffle(0, 0.1, 7), {64, 64}) == 7);
}

TEST_CASE("windows of Models Genesis write and cover what they do elsewhere", "[transforms]") {
  const Size size = {64, 64, 32};
  RandomStream stream(2, "windows");
  const auto windows = draw_windows(LocalShuffleOptions{}, size, stream);
  // 10 000 volumes of mean 24.5 and deviation about 25: half a percent of 1.869, twice over
  CHECK(written(windows, size) == Approx(1.869).epsilon(0.04));
  CHECK(share_inside(windows, size) == Approx(0.819).margin(0.01));
  std::set<std::int64_t> sides[3];
  for (const auto& window : windows)
    for (int axis = 0; axis < 3; ++axis) sides[axis].insert(window.size[axis]);
  CHECK(sides[0] == std::set<std::int64_t>{1, 2, 3, 4, 5, 6});
  CHECK(sides[2] == std::set<std::int64_t>{1, 2, 3});
}

TEST_CASE("the fixed windows of GVSL and GEMINI cover what they do elsewhere", "[transforms]") {
  RandomStream stream(2, "windows");
  const Size volume = {128, 128, 128};
  const auto deep = draw_windows(shuffle(1.0 / 20, 1.0 / 20, 5000, "shared"), volume, stream);
  CHECK(deep.front().size == Size{6, 6, 6});
  CHECK(share_inside(deep, volume) == Approx(0.394).margin(0.01));
  const Size plane = {384, 384};
  const auto flat = draw_windows(shuffle(1.0 / 30, 1.0 / 30, 1000, "shared"), plane, stream);
  CHECK(flat.front().size == Size{12, 12});
  CHECK(share_inside(flat, plane) == Approx(0.612).margin(0.02));
}

TEST_CASE("one window over a row keeps what is in it", "[transforms]") {
  const auto row = torch::tensor({1.0, 2.0, 3.0, 4.0}).view({1, 1, 1, 4}).repeat({50, 1, 1, 1});
  const auto image = made(LocalShuffle(shuffle(1, 1, 1)), batch_of(row)).image();
  CHECK(torch::equal(std::get<0>(image.sort(3)), row));
  // Each value comes to the first place in a quarter of the samples: 12.5, deviation 3.1.
  for (const double value : {1.0, 2.0, 3.0, 4.0})
    CHECK((image.select(3, 0) == value).sum().item<std::int64_t>() > 2);
}

TEST_CASE("windows read the original and later ones count", "[transforms]") {
  // Both windows of two voxels are exchanged or not: (a b) c, then a (b c).
  const std::vector<Box> windows = {{{0}, {2}}, {{1}, {2}}};
  std::set<std::vector<std::int64_t>> seen;
  for (std::uint64_t n = 0; n < 100; ++n) {
    RandomStream stream(9, "order", {n});
    const auto index = shuffled_index(windows, {3}, false, stream);
    const auto* from = index.data_ptr<std::int64_t>();
    seen.emplace(from, from + 3);
  }
  // Voxel 0 from the first window, 1 and 2 from the second alone: (1, 1, 2) shows that a value can
  // be there twice and another lost.
  CHECK(seen == std::set<std::vector<std::int64_t>>{{0, 1, 2}, {1, 1, 2}, {0, 2, 1}, {1, 2, 1}});
}

TEST_CASE("one permutation for all windows moves all of them alike", "[transforms]") {
  const std::vector<Box> windows = {{{0, 0}, {3, 4}}, {{5, 2}, {3, 4}}};
  RandomStream stream(9, "shared");
  const auto index = shuffled_index(windows, {8, 6}, true, stream).view({8, 6});
  const auto first = index.slice(0, 0, 3).slice(1, 0, 4);
  CHECK(torch::equal(index.slice(0, 5, 8).slice(1, 2, 6), first + 5 * 6 + 2));
  CHECK_FALSE(torch::equal(first, torch::arange(48).view({8, 6}).slice(0, 0, 3).slice(1, 0, 4)));
  RandomStream again(9, "shared");
  const auto own = shuffled_index(windows, {8, 6}, false, again).view({8, 6});
  CHECK(torch::equal(own.slice(0, 0, 3).slice(1, 0, 4), first));
  CHECK_FALSE(torch::equal(own.slice(0, 5, 8).slice(1, 2, 6), first + 5 * 6 + 2));
}

TEST_CASE("every value comes from the window around it", "[transforms]") {
  const Size size = {20, 30};
  const auto x = torch::arange(600.0).view({1, 1, 20, 30});
  const auto image = made(LocalShuffle(shuffle(0, 0.1, 100)), batch_of(x)).image();
  const auto moved = image[0][0].to(torch::kInt64) - torch::arange(600).view({20, 30});
  const auto place = image[0][0].to(torch::kInt64);
  const auto rows = place.floor_divide(30) - torch::arange(20).view({20, 1});
  const auto columns = place.remainder(30) - torch::arange(30).view({1, 30});
  CHECK(rows.abs().max().item<std::int64_t>() == 1);     // sides up to 2
  CHECK(columns.abs().max().item<std::int64_t>() == 2);  // and 3
  CHECK(moved.ne(0).any().item<bool>());
}

TEST_CASE("local shuffling changes sample by sample, in place, in 2D and 3D", "[transforms]") {
  for (const auto& size : {Size{20, 25}, Size{12, 20, 22}})
    for (const auto* permutation : {"own", "shared"}) {
      const LocalShuffle transform(shuffle(0.1, 0.2, 40, permutation));
      const auto batch = speckle(3, 2, size);
      CHECK(independent(transform, batch));
      CHECK(only_applied_change(transform, batch, {0, 1, 0}));
      auto view = made(transform, batch);
      CHECK(torch::equal(view.map().matrix(), SpatialMap::identity(3, size).matrix()));
      // Channels stay together.
      const auto pairs = [](const at::Tensor& x) { return (x.select(1, 0) + 2 * x.select(1, 1)); };
      const auto before = pairs(batch.image).flatten(1);
      const auto after = pairs(view.image()).flatten(1);
      for (std::int64_t n = 0; n < 3; ++n) CHECK(at::isin(after[n], before[n]).all().item<bool>());
    }
}

TEST_CASE("a volume of 128 voxels a side is shuffled in a moment", "[transforms]") {
  RandomStream stream(2, "time");
  const LocalShuffleOptions options;
  const Size size = {128, 128, 128};
  const auto start = std::chrono::steady_clock::now();
  const auto windows = draw_windows(options, size, stream);
  const auto index = shuffled_index(windows, size, false, stream);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  INFO(taken.count() << " s");
  CHECK(index.numel() == 128 * 128 * 128);
  CHECK(taken.count() < 5.0);  // 0.1 on an idle core
}

TEST_CASE("local shuffling says what is wrong", "[transforms][errors]") {
  const auto parse = [](const char* key, OptionValue value) {
    schema_of<LocalShuffleOptions>().parse(OptionTable{{key, std::move(value)}}, "views.v");
  };
  CHECK_THROWS_WITH(parse("permutation", "one"),
                    Catch::Contains(R"('permutation' must be one of "own", "shared")"));
  CHECK_THROWS_WITH(parse("windows", -1), Catch::Contains("'windows' must be at least 0"));
}
