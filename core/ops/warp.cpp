#include "ops/warp.h"

#include <torch/library.h>
#include <torch/types.h>

TORCH_LIBRARY_FRAGMENT(covector, library) {
  library.def(
      "warp(Tensor image, Tensor positions, bool displaced, bool nearest, bool released)"
      " -> Tensor");
  library.def(
      "warp_image_gradient(Tensor grad, Tensor image, Tensor positions, bool displaced,"
      " bool nearest, bool released) -> Tensor");
  library.def(
      "warp_position_gradient(Tensor grad, Tensor image, Tensor positions, bool displaced,"
      " bool nearest, bool released) -> Tensor");
}

namespace covector::ops {
namespace {

using Gradient = at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, bool, bool,
                            bool);

bool nearest(const Reading& reading) {
  return reading.interpolation == Interpolation::nearest;
}
bool released(const Reading& reading) {
  return reading.convention == GridConvention::released;
}

}  // namespace

at::Tensor warp(const at::Tensor& image, const at::Tensor& positions, const Reading& reading) {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("covector::warp", "")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, bool, bool, bool)>();
  return op.call(image, positions, reading.displaced, nearest(reading), released(reading));
}

at::Tensor warp_image_gradient(const at::Tensor& grad, const at::Tensor& image,
                               const at::Tensor& positions, const Reading& reading) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("covector::warp_image_gradient", "")
                             .typed<Gradient>();
  return op.call(grad, image, positions, reading.displaced, nearest(reading), released(reading));
}

at::Tensor warp_position_gradient(const at::Tensor& grad, const at::Tensor& image,
                                  const at::Tensor& positions, const Reading& reading) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("covector::warp_position_gradient", "")
                             .typed<Gradient>();
  return op.call(grad, image, positions, reading.displaced, nearest(reading), released(reading));
}

}  // namespace covector::ops
