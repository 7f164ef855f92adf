#pragma once

#include "support/catch.h"
#include "support/peak_memory.h"

#include "plugins/default_views.h"
#include "plugins/small_backbone.h"

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

/// What the methods that register the images of two patients share in their tests.
namespace covector::testing {

/// A number of channels, then sides that are neither square nor cubic.
inline std::vector<std::int64_t> pair_shape(std::int64_t batch, std::int64_t dimensions,
                                            std::int64_t channels = 1) {
  return dimensions == 2 ? std::vector<std::int64_t>{batch, channels, 8, 12}
                         : std::vector<std::int64_t>{batch, channels, 8, 12, 4};
}

/// Random images "a", "b" and "damaged" of that shape, float64 unless `type` says otherwise.
inline Views random_pair(std::int64_t batch, std::int64_t dimensions, std::int64_t channels = 1,
                         at::ScalarType type = torch::kFloat64) {
  Views views;
  for (const auto* name : {"a", "b", "damaged"})
    views.emplace(name, View(Batch{torch::rand(pair_shape(batch, dimensions, channels), type),
                                   {},
                                   std::vector<std::string>(batch, "x"),
                                   {}}));
  return views;
}

/// A method on SmallBackbone in float64.
template <class Made, class Options>
std::shared_ptr<Made> make_pair_method(Options options, std::int64_t dimensions = 2,
                                       std::int64_t channels = 1) {
  torch::manual_seed(5);
  options.crop =
      dimensions == 2 ? std::vector<std::int64_t>{8, 12} : std::vector<std::int64_t>{8, 12, 4};
  const InputSpec input{channels, dimensions};
  auto method = std::make_shared<Made>(options, std::make_shared<SmallBackbone>(input),
                                       MethodInput{input, 2});
  method->to(torch::kFloat64);
  return method;
}

inline std::int64_t count_of(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

/// Pictures and the same ones as seen 3 voxels further on: pairs that can be registered.
inline std::vector<at::Tensor> shifted_pairs(std::int64_t count, std::int64_t dimensions) {
  constexpr std::int64_t kShift = 3;
  const auto wide = wavy_images(count, dimensions == 2 ? std::vector<std::int64_t>{24, 23}
                                                       : std::vector<std::int64_t>{20, 24, 23});
  const auto side = wide.size(-1) - kShift;
  return {wide.slice(-1, 0, side), wide.slice(-1, kShift)};
}

/// What a step and its gradient need grows with the number of pixels, not with its square: 16 times
/// as many pixels take at most 16 times as much.
template <class Made, class Options>
void check_memory(Options options, const std::string& phase) {
  const auto peak_at = [&](std::int64_t side) {
    options.crop = {side};
    const InputSpec input{1, 2};
    Made method(options, std::make_shared<SmallBackbone>(input), {input, 2});
    method.to(torch::kFloat64);
    Views views;
    for (const auto* name : {"a", "b", "damaged"})
      views.emplace(
          name, View(Batch{torch::rand({2, 1, side, side}, torch::kFloat64), {}, {"x", "y"}, {}}));
    return static_cast<double>(peak_bytes([&] {
      method.step(views, {phase, 0, 1, false}).loss.backward();
    }));
  };
  CHECK(peak_at(128) < 16 * peak_at(32));
}

/// Whether any parameter of a sub-module holds a gradient that is not 0.
inline bool reached(const torch::nn::Module& module) {
  for (const auto& parameter : module.parameters())
    if (parameter.grad().defined() && parameter.grad().abs().max().item<double>() > 0) return true;
  return false;
}

/// "a", "b" and "damaged" are moved alike, and only "damaged" is damaged.
inline void check_pair_views(const Method& method, std::int64_t dimensions) {
  const auto size =
      dimensions == 2 ? std::vector<std::int64_t>{40, 36} : std::vector<std::int64_t>{20, 24, 20};
  torch::manual_seed(3);
  auto repeats = std::vector<std::int64_t>(size.size() + 2, 1);
  repeats[0] = 3;
  const auto image = wavy_images(1, size).repeat(repeats);
  auto specs = method.views();
  REQUIRE(specs.size() == 3);
  CHECK(method.images_per_sample() == 2);
  CHECK(specs[0].image == 0);
  CHECK(specs[1].image == 1);
  CHECK(specs[2].image == 0);
  auto views = DefaultViews(specs).of({image, image});
  // One image everywhere: what differs is what a view does to it alone.
  CHECK(torch::equal(views.at("a").image(), views.at("b").image()));
  CHECK_FALSE(torch::equal(views.at("a").image(), views.at("damaged").image()));
  CHECK_FALSE(torch::equal(views.at("a").image()[0], views.at("a").image()[1]));
  // Without its damage the third view is the first.
  auto& chain = specs[2].chain;
  chain.erase(chain.begin(), chain.begin() + 3);
  auto whole = DefaultViews(specs).of({image, image});
  CHECK(torch::equal(whole.at("a").image(), whole.at("damaged").image()));
}

}  // namespace covector::testing
