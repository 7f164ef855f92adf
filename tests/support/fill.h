#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace covector::testing {

/// The numbers that the golden files were made with: weights and inputs follow from the names of
/// the parameters alone (rule "fill_rule" of golden/unet.json), so that no weights need be stored.

/// FNV-1a, 32 bits.
inline std::uint32_t fnv1a(std::string_view key) {
  std::uint32_t hash = 0x811C9DC5U;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193U;
  return hash;
}

/// Value of a flat index under a key: uniform in [-1, 1), exact in float32.
inline double hash_value(std::uint32_t key_hash, std::int64_t index) {
  auto x = key_hash + static_cast<std::uint32_t>(index) * 0x9E3779B9U;
  x ^= x >> 16;
  x *= 0x85EBCA6BU;
  x ^= x >> 13;
  x *= 0xC2B2AE35U;
  x ^= x >> 16;
  return 2.0 * ((x >> 8) / 16777216.0) - 1.0;
}

/// Float64 tensor of a shape whose element at flat index i is value(i).
template <class Value>
at::Tensor tensor_of(at::IntArrayRef shape, Value value) {
  auto out = torch::empty(shape, torch::kFloat64);
  auto* data = out.data_ptr<double>();
  for (std::int64_t i = 0; i < out.numel(); ++i) data[i] = value(i);
  return out;
}

/// scale sin(frequency i + phase) over the flat index, float64; rule "wave" of golden/cover.json.
inline at::Tensor wave(at::IntArrayRef shape, double frequency, double scale, double phase) {
  return tensor_of(shape, [=](std::int64_t i) { return scale * std::sin(frequency * i + phase); });
}

/// The input of the backbone cases, float64 holding float32 values. Shape [N, C, H, W] or
/// [N, C, D, H, W].
inline at::Tensor golden_input(at::IntArrayRef shape) {
  constexpr double kSlopes[] = {0.13, 0.29, 0.41};
  const auto key = fnv1a("input");
  return tensor_of(shape, [&](std::int64_t i) {
    auto rest = i;
    double angle = 0;
    for (auto axis = static_cast<std::int64_t>(shape.size()) - 1; axis >= 0; --axis) {
      angle += (axis < 2 ? 1.0 : kSlopes[axis - 2]) * static_cast<double>(rest % shape[axis]);
      rest /= shape[axis];
    }
    return static_cast<float>(0.6 * std::sin(angle) + 0.4 * hash_value(key, i));
  });
}

/// A parameter by its full name, float64 holding float32 values. Vectors are norm scales or
/// shifts; everything else is weighted by its fan-in.
inline at::Tensor golden_parameter(const std::string& name, at::IntArrayRef shape) {
  const auto key = fnv1a(name);
  const auto numel = c10::multiply_integers(shape);
  const auto ends_with = [&](std::string_view end) {
    return name.size() >= end.size() &&
           name.compare(name.size() - end.size(), end.size(), end) == 0;
  };
  double offset = 0;
  double factor = 0;
  if (shape.size() >= 2 && !ends_with("spline_scaler")) {
    factor = std::sqrt(6.0 / static_cast<double>(numel / shape[0]));
  } else if (ends_with("bias") || ends_with("running_mean")) {
    factor = 0.1;
  } else {
    offset = 1;
    factor = 0.25;
  }
  return tensor_of(shape, [&](std::int64_t i) {
    return static_cast<float>(offset + factor * hash_value(key, i));
  });
}

/// Overwrites every parameter and running average of a module with its golden value; other buffers
/// (grids, indices, counters) stay as built. `prefix` goes before the module's own names, as in
/// "backbone.".
inline void fill_golden(torch::nn::Module& module, const std::string& prefix = "") {
  const torch::NoGradGuard no_grad;
  const auto fill = [&](const std::string& name, at::Tensor tensor) {
    tensor.copy_(golden_parameter(prefix + name, tensor.sizes()));
  };
  for (const auto& item : module.named_parameters()) fill(item.key(), item.value());
  for (const auto& item : module.named_buffers())
    if (item.key().find("running_") != std::string::npos) fill(item.key(), item.value());
}

}  // namespace covector::testing
