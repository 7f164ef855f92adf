#include "support/catch.h"
#include "support/numeric.h"

#include "covector/networks/dense_moco.h"
#include "plugins/small_backbone.h"

#include <torch/types.h>
#include <torch/utils.h>

using namespace covector;
using networks::DenseMoco;
using networks::DenseMocoOptions;
using testing::max_gap;
using testing::SmallBackbone;

namespace {

DenseMocoOptions small() {
  DenseMocoOptions options;
  options.cells = 2;
  options.hidden = 7;
  options.embedding = 3;
  options.momentum = 0.9;
  options.queue = 5;
  options.dense_queue = 4;
  return options;
}

struct Pair {
  std::shared_ptr<SmallBackbone> backbone;
  std::shared_ptr<DenseMoco> moco;
};

Pair make(const DenseMocoOptions& options, std::vector<std::int64_t> view) {
  torch::manual_seed(2);
  const InputSpec input{1, static_cast<std::int64_t>(view.size())};
  const auto backbone = std::make_shared<SmallBackbone>(input);
  const auto moco = std::make_shared<DenseMoco>(options, view, backbone);
  moco->to(torch::kFloat64);
  return {backbone, moco};
}

// W1 relu(W0 x + b0) + b1 on the last axis.
at::Tensor head(const DenseMoco& moco, const std::string& name, const at::Tensor& x) {
  const auto all = moco.named_parameters();
  const auto layer = [&](const std::string& number, const at::Tensor& rows) {
    const auto prefix = name + ".linear" + number + ".";
    return torch::matmul(rows, all[prefix + "weight"].t()) + all[prefix + "bias"];
  };
  return layer("1", layer("0", x).relu());
}

void check_features(const std::vector<std::int64_t>& view) {
  const auto [backbone, moco] = make(small(), view);
  auto shape = view;
  shape.insert(shape.begin(), {2, 1});
  const auto image = torch::randn(shape, torch::kFloat64);
  const auto got = moco->query(image);
  const auto levels = backbone->pyramid(image);

  // Two cells an axis are its halves; the last axis runs fastest.
  auto halves = levels.back();
  for (std::size_t axis = 0; axis < view.size(); ++axis) {
    const auto at = static_cast<std::int64_t>(2 + axis);
    const auto half = view[axis] / 2;
    halves = torch::stack(
        {halves.narrow(at, 0, half).mean(at), halves.narrow(at, half, half).mean(at)}, at);
  }
  const auto cells = halves.flatten(2).transpose(1, 2);
  CHECK(max_gap(got.cells, cells) < 1e-12);
  CHECK(max_gap(got.dense, head(*moco, "dense_head", cells)) < 1e-12);
  const auto pooled = levels.front().flatten(2).mean(2);
  CHECK(max_gap(got.pooled, pooled) < 1e-12);
  CHECK(max_gap(got.image, head(*moco, "image_head", pooled)) < 1e-12);
  // The key starts as a copy of the query, without gradient.
  const auto key = moco->key(image);
  CHECK(max_gap(key.dense, got.dense) < 1e-12);
  CHECK(max_gap(key.image, got.image) < 1e-12);
  CHECK(got.dense.requires_grad());
  CHECK_FALSE(key.dense.requires_grad());
  CHECK_FALSE(key.image.requires_grad());
}

}  // namespace

TEST_CASE("two branches look at the coarsest level and at cells of the finest", "[dense_moco]") {
  check_features({8, 12});
  check_features({8, 4, 12});
}

TEST_CASE("the backbone is not registered twice, its copy once and without gradient",
          "[dense_moco]") {
  const auto [backbone, moco] = make(small(), {8, 12});
  const auto count = [](const std::vector<at::Tensor>& parameters, bool trained) {
    std::int64_t numbers = 0;
    for (const auto& parameter : parameters)
      if (parameter.requires_grad() == trained) numbers += parameter.numel();
    return numbers;
  };
  // Heads on 6 and 4 channels: in x 7 + 7, then 7 x 3 + 3.
  const std::int64_t heads = (6 * 7 + 7 + 7 * 3 + 3) + (4 * 7 + 7 + 7 * 3 + 3);
  CHECK(count(moco->parameters(), true) == heads);
  CHECK(count(moco->parameters(), false) == heads + count(backbone->parameters(), true));
  CHECK(count(backbone->parameters(), true) == (1 + 1) * (6 + 5 + 4));
}

TEST_CASE("a step stores keys and moves the copy by 1 - momentum", "[dense_moco]") {
  const auto [backbone, moco] = make(small(), {8, 12});
  const auto image_keys = torch::randn({2, 3}, torch::kFloat64);
  const auto dense_keys = torch::randn({3, 3}, torch::kFloat64);
  const auto before = moco->image_queue().keys().clone();
  moco->hold(image_keys, dense_keys);
  CHECK(torch::equal(moco->image_queue().keys(), before));  // a step does not meet its own keys
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : backbone->parameters()) parameter.add_(1.0);
    for (const auto& item : moco->named_parameters())
      if (item.key().rfind("key_", 0) != 0) item.value().add_(2.0);
  }
  std::map<std::string, at::Tensor> old;
  for (const auto& item : moco->named_parameters()) old[item.key()] = item.value().detach().clone();
  moco->advance();
  CHECK(torch::equal(moco->image_queue().keys().narrow(0, 0, 2), image_keys));
  CHECK(torch::equal(moco->image_queue().keys().narrow(0, 2, 3), before.narrow(0, 2, 3)));
  CHECK(torch::equal(moco->dense_queue().keys().narrow(0, 0, 3), dense_keys));
  for (const auto& item : moco->named_parameters()) {
    INFO(item.key());
    const auto moved = item.value() - old.at(item.key());
    const double wanted = item.key().rfind("key_backbone", 0) == 0 ? 0.1
                          : item.key().rfind("key_", 0) == 0       ? 0.2
                                                                   : 0.0;
    CHECK(max_gap(moved, torch::full_like(moved, wanted)) < 1e-12);
  }
}

TEST_CASE("cells and queues follow the number of axes unless they are given", "[dense_moco]") {
  DenseMocoOptions options;
  options.hidden = options.embedding = 2;
  const auto plane = make(options, {16, 16}).moco;
  CHECK(plane->cells() == 12);
  CHECK(plane->image_queue().keys().size(0) == 65536);
  CHECK(plane->dense_queue().keys().size(0) == 16384);
  const auto volume = make(options, {8, 8, 8}).moco;
  CHECK(volume->cells() == 6);
  CHECK(volume->image_queue().keys().size(0) == 4096);
  CHECK(volume->dense_queue().keys().size(0) == 4096);
}

TEST_CASE("embeddings for the monitors stand beside those of the other view", "[dense_moco]") {
  const auto [backbone, moco] = make(small(), {8, 12});
  const auto first = torch::randn({3, 1, 8, 12}, torch::kFloat64);
  const auto second = torch::randn({3, 1, 8, 12}, torch::kFloat64);
  const auto got = moco->embed(first, second);
  const auto one = moco->query(first);
  const auto two = moco->query(second);
  CHECK(max_gap(got.at("h").first, one.pooled) < 1e-12);
  CHECK(max_gap(got.at("h").second, two.pooled) < 1e-12);
  CHECK(max_gap(got.at("z_global").second, two.image) < 1e-12);
  CHECK(max_gap(got.at("z").first, one.dense.flatten(0, 1)) < 1e-12);
  for (std::int64_t n = 0; n < 3; ++n)
    for (std::int64_t i = 0; i < 4; ++i) {
      std::int64_t best = 0;
      double largest = -2;
      for (std::int64_t j = 0; j < 4; ++j) {
        const auto a = one.cells[n][i];
        const auto b = two.cells[n][j];
        const auto cosine = (a.dot(b) / (a.norm() * b.norm())).item<double>();
        if (cosine > largest) best = j;
        largest = std::max(largest, cosine);
      }
      CHECK(max_gap(got.at("z").second[4 * n + i], two.dense[n][best]) < 1e-12);
    }
  for (const auto& item : got) {
    CHECK_FALSE(item.second.first.requires_grad());
    CHECK_FALSE(item.second.second.requires_grad());
  }
}

TEST_CASE("views with fewer voxels than cells are refused", "[dense_moco][errors]") {
  auto options = small();
  options.cells = 9;
  CHECK_THROWS_WITH(make(options, {12, 8}),
                    "[method] 'cells' is 9, more than the shortest side of 'crop', which has 8 "
                    "voxels");
}
