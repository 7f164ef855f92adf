#include "support/catch.h"

#include "batches.h"
#include "covector/core/error.h"

#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

using namespace covector;

namespace {

/// Image i is filled with the number i. Reading takes a varying time, so that threads finish out of
/// order.
class Numbers final : public Dataset {
 public:
  explicit Numbers(std::int64_t count) : count_(count) {}
  InputSpec input() const override { return {1, 2}; }
  void open() override {}
  std::int64_t size() const override { return count_; }
  Sample get(std::int64_t index) const override {
    if (index == broken) throw DataError("/data/" + id(index) + ".png: truncated");
    std::this_thread::sleep_for(std::chrono::microseconds(100 * (index % 3)));
    Sample sample;
    const std::int64_t side = index == odd_sized ? 3 : 2;
    sample.image = torch::full({1, side, 2}, static_cast<double>(index), torch::kFloat32);
    sample.id = id(index);
    if (classed && index != unclassed) sample.image_class = index % 3;
    return sample;
  }
  Sample read(const std::filesystem::path&) const override { throw DataError("not a file set"); }
  std::string id(std::int64_t index) const override { return "n" + std::to_string(index); }
  std::string patient(std::int64_t) const override { return {}; }
  std::vector<std::int64_t> indices(Split) const override { return {}; }
  std::vector<std::string> classes() const override { return {}; }
  std::string fingerprint() const override { return "numbers"; }

  std::int64_t broken = -1;
  std::int64_t odd_sized = -1;
  bool classed = false;
  std::int64_t unclassed = -1;

 private:
  std::int64_t count_;
};

std::vector<std::int64_t> range(std::int64_t count) {
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < count; ++i) out.push_back(i);
  return out;
}

std::vector<double> values(const Samples& samples) {
  std::vector<double> out;
  for (const auto& sample : samples.list) out.push_back(sample.image[0][0][0].item<double>());
  return out;
}

}  // namespace

TEST_CASE("1, 2 and 4 loader threads give identical batches", "[batches]") {
  const Numbers dataset(23);
  BatchOptions options;
  options.batch = 5;
  options.seed = 3;
  std::vector<std::vector<double>> seen;
  for (const std::int64_t threads : {1, 2, 4}) {
    options.threads = threads;
    Batches batches(dataset, range(23), options, 0, at::kCPU);
    std::vector<double> all;
    for (int step = 0; step < 20; ++step)
      for (const auto value : values(batches.next().at(0))) all.push_back(value);
    seen.push_back(all);
  }
  CHECK(seen[0] == seen[1]);
  CHECK(seen[0] == seen[2]);
}

TEST_CASE("an epoch shows every image once, and the next in another order", "[batches]") {
  const Numbers dataset(12);
  BatchOptions options;
  options.batch = 4;
  Batches batches(dataset, range(12), options, 0, at::kCPU);
  std::vector<double> first;
  std::vector<double> second;
  for (int step = 0; step < 3; ++step)
    for (const auto value : values(batches.next().at(0))) first.push_back(value);
  for (int step = 0; step < 3; ++step)
    for (const auto value : values(batches.next().at(0))) second.push_back(value);
  CHECK(std::set<double>(first.begin(), first.end()).size() == 12);
  CHECK(std::set<double>(second.begin(), second.end()).size() == 12);
  CHECK(first != second);
}

TEST_CASE("the epochs of a step, and where its samples stand among the training images",
          "[batches]") {
  // 7 images, batches of 3: step 2 shows the images 6, 7, 8 of the run, the last two of epoch 1.
  const Numbers dataset(20);
  BatchOptions options;
  options.batch = 3;
  std::vector<std::int64_t> indices;
  for (const auto index : range(7)) indices.push_back(10 + index);
  Batches batches(dataset, indices, options, 0, at::kCPU);
  CHECK(batches.epochs_of(1) == std::pair<std::int64_t, std::int64_t>(0, 0));
  CHECK(batches.epochs_of(2) == std::pair<std::int64_t, std::int64_t>(0, 1));
  CHECK(batches.epochs_of(3) == std::pair<std::int64_t, std::int64_t>(1, 1));
  const auto samples = batches.next().at(0);
  REQUIRE(samples.positions.size() == 3);
  for (std::size_t n = 0; n < 3; ++n)
    CHECK(values(samples)[n] == 10.0 + static_cast<double>(samples.positions[n]));
  CHECK(batches.images({4}).positions == std::vector<std::int64_t>{4});
}

TEST_CASE("chosen orders are shown as given, across the border of two epochs", "[batches]") {
  const Numbers dataset(4);
  BatchOptions options;
  options.batch = 3;
  options.chosen = true;
  Batches batches(dataset, range(4), options, 0, at::kCPU);
  CHECK_THROWS_WITH(batches.next(), "the order of epoch 0 was not set before its first step");
  CHECK_THROWS_WITH(batches.set_order(0, {0, 1, 2}),
                    "the order of an epoch must be 4 positions below that number");
  CHECK_THROWS_WITH(batches.set_order(0, {0, 1, 2, 4}),
                    "the order of an epoch must be 4 positions below that number");
  batches.set_order(0, {3, 3, 1, 1});
  CHECK(values(batches.next().at(0)) == std::vector<double>{3, 3, 1});
  CHECK_THROWS_WITH(batches.next(), "the order of epoch 1 was not set before its first step");
  batches.set_order(1, {2, 0, 2, 0});
  CHECK(values(batches.next().at(0)) == std::vector<double>{1, 2, 0});

  Batches resumed(dataset, range(4), options, 1, at::kCPU);
  resumed.set_order(0, {3, 3, 1, 1});
  resumed.set_order(1, {2, 0, 2, 0});
  CHECK(values(resumed.next().at(0)) == std::vector<double>{1, 2, 0});
}

TEST_CASE("a stream begun later goes on as if it had run from the start", "[batches]") {
  const Numbers dataset(7);
  BatchOptions options;
  options.batch = 3;
  options.threads = 2;
  Batches whole(dataset, range(7), options, 0, at::kCPU);
  for (int step = 0; step < 5; ++step) whole.next();
  Batches resumed(dataset, range(7), options, 5, at::kCPU);
  for (int step = 5; step < 9; ++step)
    CHECK(values(whole.next().at(0)) == values(resumed.next().at(0)));
}

TEST_CASE("a pair holds two different images", "[batches]") {
  const Numbers dataset(4);
  BatchOptions options;
  options.batch = 6;
  options.images_per_sample = 2;
  Batches batches(dataset, range(4), options, 0, at::kCPU);
  for (int step = 0; step < 10; ++step) {
    const auto pair = batches.next();
    REQUIRE(pair.size() == 2);
    for (std::size_t n = 0; n < 6; ++n) CHECK(values(pair[0])[n] != values(pair[1])[n]);
  }
  CHECK_THROWS_WITH(Batches(dataset, range(1), options, 0, at::kCPU),
                    Catch::Contains("pairs of different images"));
}

TEST_CASE("a small cache changes nothing but the time", "[batches]") {
  const Numbers dataset(9);
  BatchOptions options;
  options.batch = 3;
  Batches ample(dataset, range(9), options, 0, at::kCPU);
  options.cache_bytes = 2 * 16 + 1;  // two images of 2 x 2 floats
  Batches tight(dataset, range(9), options, 0, at::kCPU);
  for (int step = 0; step < 9; ++step)
    CHECK(values(ample.next().at(0)) == values(tight.next().at(0)));
}

TEST_CASE("an unreadable image stops the run with its path, its name and the step",
          "[batches][errors]") {
  Numbers dataset(3);
  dataset.broken = 1;
  BatchOptions options;
  options.batch = 3;
  options.threads = 2;
  Batches batches(dataset, range(3), options, 0, at::kCPU);
  CHECK_THROWS_WITH(batches.next(),
                    "/data/n1.png: truncated\n  while reading image 'n1' for step 0");
}

TEST_CASE("images of different shape are refused by name", "[batches][errors]") {
  Numbers dataset(2);
  dataset.odd_sized = 1;
  CHECK_THROWS_WITH(
      stack({{dataset.get(0), dataset.get(1)}}),
      "images 'n0' [1, 2, 2] and 'n1' [1, 3, 2] differ in shape and cannot share a batch; "
      "give [dataset.prepare] a size, or use a batch of 1");
  CHECK_THROWS_WITH(Batches(dataset, {}, {}, 0, at::kCPU),
                    Catch::Contains("the training split is empty"));
}

TEST_CASE("classes of images go with them into the batch", "[batches]") {
  Numbers dataset(6);
  dataset.classed = true;
  BatchOptions options;
  options.batch = 4;
  Batches batches(dataset, range(6), options, 0, at::kCPU);
  const auto samples = batches.next().at(0);
  const auto batch = stack(samples);
  REQUIRE(batch.image_class);
  CHECK(batch.image_class->scalar_type() == torch::kInt64);
  const auto shown = values(samples);
  for (std::size_t i = 0; i < shown.size(); ++i)
    CHECK((*batch.image_class)[static_cast<std::int64_t>(i)].item<std::int64_t>() ==
          static_cast<std::int64_t>(shown[i]) % 3);
  CHECK_FALSE(stack({{Numbers(2).get(0)}}).image_class);
  dataset.unclassed = 1;
  CHECK_THROWS_WITH(stack({{dataset.get(0), dataset.get(1)}}),
                    "of the images 'n0' and 'n1' only one has a class; they cannot share a batch");
}
