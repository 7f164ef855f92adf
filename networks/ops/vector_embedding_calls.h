#pragma once

#include <cstdint>

/// The vector embedding unit as the kernels see it, whatever the device.
namespace covector::networks::ops {

struct Grid {
  std::int64_t batch;
  std::int64_t groups;
  std::int64_t head_dim;
  std::int64_t axes;  // 2 or 3; depth is 1 for 2
  std::int64_t depth;
  std::int64_t height;
  std::int64_t width;
  std::int64_t radius;
};

template <class T>
struct ForwardCall {
  Grid grid;
  const T* query;
  const T* key;
  T* vectors;
  T* peak;
  T* largest;
};

template <class T>
struct BackwardCall {
  Grid grid;
  const T* grad;
  const T* slope;
  const T* query;
  const T* key;
  const T* peak;
  const T* largest;
  T* grad_query;
  T* grad_key;
};

}  // namespace covector::networks::ops
