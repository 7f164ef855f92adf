#pragma once

#include "covector/core/export.h"

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

namespace covector {

/// Physical placement of an image. Lengths are millimetres, axes in tensor order (D, H, W) or (H,
/// W); patient axes LPS. Empty `spacing_mm` means the file does not say (a PNG).
struct Geometry {
  std::vector<double> spacing_mm;  // d numbers
  std::vector<double> origin_mm;   // d numbers, position of voxel 0 in (x, y, z) order
  std::vector<double>
      direction;  // d x d, row-major as ITK gives it; columns are the (x, y, z) index axes
};

/// One case as a dataset yields it.
struct Sample {
  at::Tensor image;                 // [C, H, W] or [C, D, H, W], float32
  std::optional<at::Tensor> label;  // [1, ...] int64, same grid; 0 is background
  Geometry geometry;
  std::string id;                                // unique in the dataset, usable as a file name
  std::string patient;                           // empty when the source names none
  std::optional<std::int64_t> image_class = {};  // of the image as a whole
  /// Of Dataset::stored() alone: above 0 the image is uint8 or uint16, its values image / steps,
  /// and the label uint8.
  float steps = 0;
};

/// Samples of equal shape on their way into a step, not stacked: a view takes of each what it
/// shows.
struct Samples {
  std::vector<Sample> list;      // as Dataset::stored() gives them, on the CPU
  at::Device device = at::kCPU;  // of what the views hold
  std::vector<std::int64_t> positions =
      {};  // among the training images; empty where they are not those
};

/// Samples stacked on a device.
struct Batch {
  at::Tensor image;                 // [N, C, H, W] or [N, C, D, H, W]
  std::optional<at::Tensor> label;  // [N, 1, ...] int64
  std::vector<std::string> ids;
  std::vector<std::int64_t> positions =
      {};  // among the training images; empty where they are not those
  std::optional<at::Tensor> image_class = {};  // [N] int64
};

/// Shape of what a dataset yields and a backbone takes.
struct InputSpec {
  std::int64_t channels = 1;
  std::int64_t dimensions = 2;  // 2 or 3
};

}  // namespace covector
