#pragma once

#include "kernels/numbers.h"

#include <cstdint>

/// Reading an image at positions as the kernels see it, whatever the device.
namespace covector::ops {

using kernels::BFloat16;
using kernels::Wide;

/// Three axes: z, y, x. In 2D both z sides are 1, and there are no positions along z.
struct Space {
  std::int64_t axes;
  std::int64_t samples;
  std::int64_t channels;
  std::int64_t in[3];
  std::int64_t out[3];
  bool channels_last;  // both maps
  bool displaced;
  bool nearest;
  bool released;
};

/// Positions [N, axes, *out] are dense, as are the maps.
template <class S>
struct WarpCall {
  Space space;
  const S* image;
  const Wide<S>* positions;
  S* out;
};

template <class S>
struct PositionGradientCall {
  Space space;
  const S* grad;
  const S* image;
  const Wide<S>* positions;
  Wide<S>* grad_positions;
};

template <class S>
struct ImageGradientCall {
  Space space;
  const S* grad;
  const Wide<S>* positions;
  Wide<S>* grad_image;  // zeros
};

}  // namespace covector::ops
