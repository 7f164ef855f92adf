#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace covector::segmentation {

/// How a large image is put together from predictions of windows.
struct SlidingWindow {
  std::vector<std::int64_t> size = {};  // voxels an axis; empty: the whole image is one window
  double overlap = 0.5;      // share of a window that the next one along an axis covers again
  std::int64_t batch = 4;    // windows predicted at once
  std::int64_t divisor = 1;  // window sides are rounded up to multiples of it
};

/// First voxels of the windows along one axis: evenly spread, at most size * (1 - overlap) apart,
/// the first at 0 and the last ending with the image. Expects size <= length.
std::vector<std::int64_t> window_starts(std::int64_t length, std::int64_t size, double overlap);

/// Weight of each voxel of a window: a Gaussian about its middle, 1 there, with a standard
/// deviation of an eighth of the side along each axis, so that the uncertain rim of a window counts
/// little.
///
///   w(p) = prod_axis exp(-((p - (s - 1) / 2) / (s / 8))^2 / 2)
///
/// @returns  [1, 1, *size] float64 on the CPU; all positive
/// Source: F. Isensee et al., nnU-Net, Nature Methods 2021 (importance weighting, sigma 1/8).
/// Departure: centred between the voxels where the side is even; nnU-Net centres on voxel s / 2.
at::Tensor window_weight(at::IntArrayRef size);

/// Prediction for an image of any size as the weighted mean of the predictions for overlapping
/// windows:
///
///   out(p) = sum_w weight(p - start_w) predict(window_w)(p - start_w) / sum_w weight(p - start_w)
///
/// An image smaller than a window is padded with zeros on both sides (what a view shows outside its
/// source) and the result cropped back.
///
/// @param image    [1, C, H, W] or [1, C, D, H, W]
/// @param predict  maps [B, C, *size] to [B, K, *size], B at most window.batch
/// @returns        [1, K, *spatial size of image] float32 (float64 for a float64 prediction)
/// @throws         std::invalid_argument when the sizes do not fit
at::Tensor predict_by_windows(const at::Tensor& image, const SlidingWindow& window,
                              const std::function<at::Tensor(const at::Tensor&)>& predict);

}  // namespace covector::segmentation
