#pragma once

#include <torch/types.h>

#include <vector>

namespace covector::networks::ops {

/// Whether a voxel's channels lie side by side: a channels-last map or a few channels of one.
inline bool channels_inside(const at::Tensor& x) {
  return x.stride(1) == 1 && x.size(1) > 1 && x.stride(-1) >= x.size(1);
}

/// What resizing `x` to `size` voxels is written to: in its layout.
inline at::Tensor empty_resized(const at::Tensor& x, at::IntArrayRef size) {
  std::vector<std::int64_t> shape{x.size(0), x.size(1)};
  shape.insert(shape.end(), size.begin(), size.end());
  const auto layout = !channels_inside(x) ? at::MemoryFormat::Contiguous
                      : x.dim() == 4      ? at::MemoryFormat::ChannelsLast
                                          : at::MemoryFormat::ChannelsLast3d;
  return at::empty(shape, x.options(), layout);
}

}  // namespace covector::networks::ops
