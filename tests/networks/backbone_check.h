#pragma once

#include "support/catch.h"
#include "support/fill.h"
#include "support/golden.h"

#include "covector/core/backbone.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

/// What every backbone is held to: the published network's numbers, names and counts, and what it
/// tells of itself.
namespace covector::testing {

using Json = nlohmann::json;

inline const Json& case_of(const Json& file, const std::string& name) {
  for (const auto& item : file.at("cases"))
    if (item.at("name") == name) return item;
  throw std::out_of_range(name);
}

inline std::int64_t count(const torch::nn::Module& module) {
  std::int64_t total = 0;
  for (const auto& parameter : module.parameters()) total += parameter.numel();
  return total;
}

/// What a gradient, by its parameter's name, may differ by where that is more than others may.
using Wider = std::map<std::string, double>;

inline void check_gradients(const torch::nn::Module& net, const Json& wanted, Tolerance common,
                            const Wider& wider) {
  const auto parameters = net.named_parameters();
  REQUIRE(wanted.size() >= 4);
  for (const auto& item : wanted.items()) {
    INFO(item.key());
    auto tolerance = common;
    if (wider.contains(item.key())) tolerance.absolute = wider.at(item.key());
    const auto gradient = parameters[item.key()].grad().to(torch::kFloat64).flatten();
    check_near(gradient.norm().item<double>(), item.value().at("l2"), tolerance);
    const auto& first = item.value().at("first4");
    for (std::int64_t i = 0; i < 4; ++i)
      check_near(gradient[i].item<double>(), first.at(i), tolerance);
  }
}

/// Fills a network as a golden case was, runs it and compares every level, the loss and the
/// gradients.
/// float64: 1e-8 absolute and relative, the digits of the files. float32: ten times what the
/// published code itself loses in float32 there, which the files tell of the levels alone.
/// @param wider  for gradients in float32 that lose more than the levels do
inline void check_case(Backbone& net, const Json& item, torch::ScalarType dtype,
                       const Wider& wider = {}) {
  INFO(item.at("name") << " in " << dtype);
  fill_golden(net);
  net.to(dtype);
  const auto shape = item.at("input_shape").get<std::vector<std::int64_t>>();
  const auto levels = net.pyramid(golden_input(shape).to(dtype));
  const auto& wanted = item.at("pyramid_coarse_to_fine");
  REQUIRE(levels.size() == wanted.size());
  Tolerance widest{1e-8, 1e-8};
  auto loss = torch::zeros({}, dtype);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    INFO("level " << i);
    const auto f32 = 10 * wanted[i].at("f32_max_abs_diff").get<double>();
    const auto tolerance = dtype == torch::kFloat64 ? Tolerance{1e-8, 1e-8} : Tolerance{f32, 0};
    if (dtype == torch::kFloat32) widest = {std::max(widest.absolute, f32), 1e-4};
    check_map(levels[i], wanted[i], tolerance);
    loss = loss + levels[i].square().mean();
  }
  check_near(loss.item<double>(), item.at("loss_sum_of_level_mean_squares"), widest);
  loss.backward();
  check_gradients(net, item.at("grad_of_loss"), widest, dtype == torch::kFloat32 ? wider : Wider{});
}

/// Parameters and buffers have the names, shapes and order of the published state dict, whose own
/// head ("final.") is left out.
inline void check_names(const torch::nn::Module& net, const Json& state_dict,
                        const std::string& head = "") {
  const auto parameters = net.named_parameters();
  const auto buffers = net.named_buffers();
  std::size_t of_parameters = 0;
  std::size_t of_buffers = 0;
  for (const auto& row : state_dict) {
    const auto name = row.at(0).get<std::string>();
    if (!head.empty() && name.starts_with(head)) continue;
    INFO(name);
    const bool buffer = buffers.contains(name);
    const auto& found = buffer ? buffers[of_buffers++]
                               : parameters[std::min(of_parameters++, parameters.size() - 1)];
    CHECK(found.key() == name);
    CHECK(found.value().sizes().vec() == row.at(1).get<std::vector<std::int64_t>>());
  }
  CHECK(of_parameters == parameters.size());
  CHECK(of_buffers == buffers.size());
}

/// channels(), strides() and encoder_channels() hold on an input whose sides need not be equal;
/// levels(x, n) are the n coarsest. For a network in evaluation mode, or one that has no
/// statistics.
inline void check_told_levels(Backbone& net, const at::Tensor& x) {
  const torch::NoGradGuard no_grad;
  const auto levels = net.pyramid(x);
  REQUIRE(levels.size() == net.channels().size());
  REQUIRE(levels.size() == net.strides().size());
  for (std::size_t i = 0; i < levels.size(); ++i) {
    INFO("level " << i);
    CHECK(levels[i].size(1) == net.channels()[i]);
    CHECK(levels[i].is_contiguous());
    for (std::int64_t axis = 2; axis < x.dim(); ++axis)
      CHECK(levels[i].size(axis) == x.size(axis) / net.strides()[i]);
  }
  CHECK(net.encode(x).size(1) == net.encoder_channels());
  for (std::size_t count = 1; count < levels.size(); ++count) {
    const auto coarse = net.levels(x, count);
    REQUIRE(coarse.size() == count);
    for (std::size_t i = 0; i < count; ++i) CHECK(torch::equal(coarse[i], levels[i]));
  }
}

inline void clear_gradients(torch::nn::Module& module) {
  for (auto& parameter : module.parameters()) parameter.mutable_grad() = at::Tensor();
}

/// The n coarsest levels give a gradient to the parameters that level_of() says they need and to no
/// other, and encode() to those of the encoder. (A gradient is there, be it zero.)
inline void check_needed_parameters(Backbone& net, const at::Tensor& x) {
  for (std::size_t count = 1; count <= net.channels().size(); ++count) {
    clear_gradients(net);
    net.levels(x, count).back().square().sum().backward();
    for (const auto& item : net.named_parameters()) {
      INFO(item.key() << " with " << count << " levels");
      CHECK(item.value().grad().defined() == (net.level_of(item.key()) < count));
    }
  }
  clear_gradients(net);
  net.encode(x).square().sum().backward();
  for (const auto& item : net.named_parameters()) {
    INFO(item.key() << " for encode()");
    CHECK(item.value().grad().defined() == net.in_encoder(item.key()));
  }
}

/// fresh() has the same tensors with other numbers in `drawn`, a parameter that starts at random.
inline void check_fresh(const Backbone& net, const std::string& drawn) {
  const auto fresh = net.fresh();
  const auto mine = net.named_parameters();
  const auto others = fresh->named_parameters();
  REQUIRE(mine.keys() == others.keys());
  REQUIRE(net.named_buffers().keys() == fresh->named_buffers().keys());
  for (const auto& item : mine) CHECK(item.value().sizes() == others[item.key()].sizes());
  CHECK_FALSE(torch::equal(mine[drawn], others[drawn]));
}

}  // namespace covector::testing
