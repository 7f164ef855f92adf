#pragma once

#include "support/catch.h"

#include <torch/types.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace covector::testing {

/// A file of tests/golden by name, as in golden("cover.json").
inline nlohmann::json golden(const std::string& name) {
  const auto path = COVECTOR_SOURCE_DIR "/tests/golden/" + name;
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  return nlohmann::json::parse(file);
}

/// How far a value may lie from its golden one: |got - wanted| <= absolute + relative * |wanted|.
struct Tolerance {
  double absolute = 0;
  double relative = 0;
};

inline void check_near(double got, double wanted, Tolerance tolerance) {
  const auto allowed = tolerance.absolute + tolerance.relative * std::abs(wanted);
  INFO("got " << got << ", wanted " << wanted << ", off by " << std::abs(got - wanted)
              << ", allowed " << allowed);
  CHECK(std::abs(got - wanted) <= allowed);  // false for NaN too
}

inline std::vector<double> values_of(const at::Tensor& tensor) {
  const auto flat = tensor.detach().to(torch::kFloat64).contiguous().flatten();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

/// Compares a tensor with a summary of golden/cover.json: {numel, mean, l2, absmax, at}.
/// `relative` is relative to the golden value for the norms and to the tensor's largest magnitude
/// for the mean and for single elements, which cancellation can leave near zero.
inline void check_summary(const at::Tensor& tensor, const nlohmann::json& wanted,
                          double relative = 1e-9) {
  const auto values = values_of(tensor);
  REQUIRE(values.size() == wanted.at("numel").get<std::size_t>());
  double sum = 0;
  double squares = 0;
  double largest = 0;
  for (const auto v : values) {
    sum += v;
    squares += v * v;
    largest = std::max(largest, std::abs(v));
  }
  const Tolerance element{relative * wanted.at("absmax").get<double>(), 0};
  check_near(sum / static_cast<double>(values.size()), wanted.at("mean"), element);
  check_near(std::sqrt(squares), wanted.at("l2"), {0, relative});
  check_near(largest, wanted.at("absmax"), {0, relative});
  REQUIRE(!wanted.at("at").empty());
  for (const auto& item : wanted.at("at").items()) {
    INFO("element " << item.key());
    check_near(values.at(std::stoul(item.key())), item.value(), element);
  }
}

/// Compares a feature map with one of a backbone file: shape, statistics, first values, probes.
inline void check_map(const at::Tensor& map, const nlohmann::json& wanted, Tolerance tolerance) {
  REQUIRE(map.sizes().vec() == wanted.at("shape").get<std::vector<std::int64_t>>());
  const auto flat = map.detach().to(torch::kFloat64).flatten();
  check_near(flat.mean().item<double>(), wanted.at("mean"), tolerance);
  check_near(flat.std(false).item<double>(), wanted.at("std_population"), tolerance);
  check_near(flat.abs().mean().item<double>(), wanted.at("abs_mean"), tolerance);
  check_near(flat.min().item<double>(), wanted.at("min"), tolerance);
  check_near(flat.max().item<double>(), wanted.at("max"), tolerance);
  const auto values = values_of(map);
  const auto& first = wanted.at("first8");
  const auto& probe = wanted.at("probe");
  REQUIRE(first.size() == std::min<std::size_t>(8, values.size()));
  REQUIRE(probe.size() == 16);
  for (std::size_t i = 0; i < first.size(); ++i) check_near(values[i], first[i], tolerance);
  for (std::size_t i = 0; i < probe.size(); ++i)
    check_near(values.at(wanted.at("probe_index").at(i)), probe[i], tolerance);
}

}  // namespace covector::testing
