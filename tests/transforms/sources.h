#pragma once

#include "covector/core/transform.h"

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace covector::testing {

/// The random numbers of `batch` samples from sample `first` on, each a stream of its own.
/// `applied` holds 1 for the samples to act on; empty means all.
inline Draws draws_of(std::int64_t batch, std::uint64_t first = 0,
                      const std::vector<double>& applied = {}) {
  std::vector<RandomStream> parameters;
  std::vector<RandomStream> fields;
  for (std::int64_t n = 0; n < batch; ++n) {
    parameters.emplace_back(17, "parameters", std::initializer_list<std::uint64_t>{first + n});
    fields.emplace_back(17, "fields", std::initializer_list<std::uint64_t>{first + n});
  }
  return {parameters, fields,
          applied.empty() ? at::Tensor() : torch::tensor(applied, torch::kFloat64)};
}

/// A batch of images given as they are.
inline Batch batch_of(at::Tensor image) {
  Batch out;
  for (std::int64_t n = 0; n < image.size(0); ++n) out.ids.push_back(std::to_string(n));
  out.image = std::move(image);
  return out;
}

/// A batch whose voxel holds `offset` + (100 D +) 10 H + W: interpolating it is exact, so that a
/// value tells the place it was read from. Labels are the values, as integers.
inline Batch ramp(std::int64_t batch, const std::vector<std::int64_t>& size, double offset = 1) {
  const auto d = static_cast<std::int64_t>(size.size());
  auto image = torch::full({1}, offset, torch::kFloat64);
  double slope = 1;
  for (auto axis = d - 1; axis >= 0; --axis, slope *= 10) {
    std::vector<std::int64_t> along(d, 1);
    along[axis] = size[axis];
    image = image + slope * torch::arange(size[axis], torch::kFloat64).view(along);
  }
  std::vector<std::int64_t> repeats(d + 2, 1);
  repeats[0] = batch;
  auto out = batch_of(image.unsqueeze(0).unsqueeze(0).repeat(repeats));
  out.label = out.image.to(torch::kInt64);
  return out;
}

/// Random grey levels [batch, channels, *size] in 0 .. 1, float32.
inline Batch speckle(std::int64_t batch, std::int64_t channels,
                     const std::vector<std::int64_t>& size) {
  std::vector<std::int64_t> shape = {batch, channels};
  shape.insert(shape.end(), size.begin(), size.end());
  torch::manual_seed(5);
  return batch_of(torch::rand(shape));
}

inline Batch sample_of(const Batch& batch, std::int64_t n) {
  auto out = batch_of(batch.image.slice(0, n, n + 1));
  if (batch.label) out.label = batch.label->slice(0, n, n + 1);
  out.ids = {batch.ids.at(n)};
  return out;
}

/// What a transform makes of a batch.
inline View made(const Transform& transform, Batch batch, const std::vector<double>& applied = {}) {
  View view(std::move(batch));
  auto draws = draws_of(view.batch(), 0, applied);
  transform.apply(view, draws);
  return view;
}

/// Whether each sample comes out of a batch as it does alone, bit for bit.
inline bool independent(const Transform& transform, const Batch& batch) {
  auto whole = made(transform, batch);
  for (std::int64_t n = 0; n < whole.batch(); ++n) {
    View alone(sample_of(batch, n));
    auto draws = draws_of(1, n);
    transform.apply(alone, draws);
    if (!torch::equal(alone.image(), whole.image().slice(0, n, n + 1))) return false;
    if (!torch::equal(alone.map().matrix(), whole.map().matrix().slice(0, n, n + 1))) return false;
  }
  return true;
}

/// Whether exactly the samples named by `applied` changed; the others must be equal bit for bit.
inline bool only_applied_change(const Transform& transform, const Batch& batch,
                                const std::vector<double>& applied) {
  auto view = made(transform, batch, applied);
  for (std::int64_t n = 0; n < view.batch(); ++n)
    if (torch::equal(view.image()[n], batch.image[n]) == (applied[n] == 1)) return false;
  return true;
}

/// Mean of many draws within four standard errors of what it should be.
inline bool mean_is(const at::Tensor& drawn, double mean, double standard_deviation) {
  const auto error = standard_deviation / std::sqrt(static_cast<double>(drawn.numel()));
  return std::abs(drawn.mean().item<double>() - mean) < 4 * error;
}

}  // namespace covector::testing
