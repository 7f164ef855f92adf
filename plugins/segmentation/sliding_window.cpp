#include "sliding_window.h"

#include "covector/core/check.h"
#include "covector/networks/sides.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace covector::segmentation {
namespace {

// The cartesian product of the starts along each axis, last axis fastest.
std::vector<std::vector<std::int64_t>> window_corners(at::IntArrayRef length, at::IntArrayRef size,
                                                      double overlap) {
  std::vector<std::vector<std::int64_t>> corners{{}};
  for (std::size_t axis = 0; axis < size.size(); ++axis) {
    std::vector<std::vector<std::int64_t>> longer;
    for (const auto& corner : corners)
      for (const auto start : window_starts(length[axis], size[axis], overlap)) {
        longer.push_back(corner);
        longer.back().push_back(start);
      }
    corners = std::move(longer);
  }
  return corners;
}

at::Tensor window_of(const at::Tensor& image, at::IntArrayRef corner, at::IntArrayRef size) {
  auto out = image;
  for (std::size_t axis = 0; axis < size.size(); ++axis)
    out = out.narrow(static_cast<std::int64_t>(axis) + 2, corner[axis], size[axis]);
  return out;
}

}  // namespace

std::vector<std::int64_t> window_starts(std::int64_t length, std::int64_t size, double overlap) {
  const auto room = length - size;
  if (room == 0) return {0};
  const auto stride = std::max(1.0, static_cast<double>(size) * (1.0 - overlap));
  const auto gaps = static_cast<std::int64_t>(std::ceil(static_cast<double>(room) / stride));
  std::vector<std::int64_t> starts;
  for (std::int64_t i = 0; i <= gaps; ++i)
    starts.push_back(std::llround(static_cast<double>(room * i) / static_cast<double>(gaps)));
  return starts;
}

at::Tensor window_weight(at::IntArrayRef size) {
  auto weight = torch::ones({1, 1}, torch::kFloat64);
  for (const auto side : size) {
    const auto offset = torch::arange(side, torch::kFloat64) - static_cast<double>(side - 1) / 2.0;
    const auto along = torch::exp(-0.5 * (offset / (static_cast<double>(side) / 8.0)).square());
    weight = weight.unsqueeze(-1) * along;
  }
  return weight;
}

at::Tensor predict_by_windows(const at::Tensor& image, const SlidingWindow& window,
                              const std::function<at::Tensor(const at::Tensor&)>& predict) {
  const auto d = image.dim() - 2;
  if (image.size(0) != 1)
    throw std::invalid_argument("image: expected a batch of 1, got " +
                                std::to_string(image.size(0)));
  if (!window.size.empty() && static_cast<std::int64_t>(window.size.size()) != d)
    throw std::invalid_argument("window: expected " + std::to_string(d) + " sides, got " +
                                std::to_string(window.size.size()));
  const auto spatial = image.sizes().slice(2).vec();
  const auto size =
      networks::rounded_up(window.size.empty() ? spatial : window.size, window.divisor);
  const auto large = networks::padded_to(image, size);
  const auto corners = window_corners(large.sizes().slice(2), size, window.overlap);

  at::Tensor sum, weights, weight;
  for (std::size_t first = 0; first < corners.size(); first += window.batch) {
    const auto last = std::min(corners.size(), first + static_cast<std::size_t>(window.batch));
    std::vector<at::Tensor> windows;
    for (auto i = first; i < last; ++i) windows.push_back(window_of(large, corners[i], size));
    auto predicted = predict(torch::cat(windows, 0));
    if (predicted.scalar_type() != torch::kFloat64) predicted = predicted.to(torch::kFloat32);
    std::vector<std::int64_t> expected{static_cast<std::int64_t>(last - first), kAny};
    expected.insert(expected.end(), size.begin(), size.end());
    check_shape("prediction of windows", predicted, expected);
    if (corners.size() == 1) return networks::cropped_to(predicted, spatial);

    if (!sum.defined()) {
      std::vector<std::int64_t> shape{1, predicted.size(1)};
      shape.insert(shape.end(), large.sizes().begin() + 2, large.sizes().end());
      sum = torch::zeros(shape, predicted.options());
      shape[1] = 1;
      weights = torch::zeros(shape, predicted.options());
      weight = window_weight(size).to(predicted.options());
    }
    for (auto i = first; i < last; ++i) {
      const auto n = static_cast<std::int64_t>(i - first);
      window_of(sum, corners[i], size).add_(predicted.slice(0, n, n + 1) * weight);
      window_of(weights, corners[i], size).add_(weight);
    }
  }
  return networks::cropped_to(sum / weights, spatial);
}

}  // namespace covector::segmentation
