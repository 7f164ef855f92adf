#pragma once

#include "covector/core/sample.h"

#include <string>

namespace covector::testing {

/// The images of a batch [N, C, *size], one by one as a dataset gives them, all called "x".
inline Samples apart(const at::Tensor& images) {
  Samples samples;
  for (const auto& image : images.unbind()) samples.list.push_back({image, {}, {}, "x", {}});
  return samples;
}

}  // namespace covector::testing
