#pragma once

#include "kernels/dtype.h"
#include "ops/warp.h"
#include "ops/warp_calls.h"

#include <torch/types.h>

#include <limits>
#include <vector>

namespace covector::ops {

/// The operators by the kernels of a device: Device::run(call) does a call of any of three kinds.
/// What the kernels do not know goes to the reference.
template <class Device>
class WarpBinding {
 public:
  static at::Tensor warp(const at::Tensor& image, const at::Tensor& positions,
                         const Reading& reading) {
    if (!countable(image)) return reference::warp(image, positions, reading);
    const auto x = image.contiguous(layout_of(image));
    const auto p = positions.contiguous();
    auto shape = p.sizes().vec();
    shape[1] = x.size(1);
    const auto out = at::empty(shape, x.options(), layout_of(x));
    const bool known = kernels::with_type(x.scalar_type(), [&](auto type) {
      using S = decltype(type);
      Device::run(WarpCall<S>{space_of(x, p, reading), numbers<S>(x), numbers<Wide<S>>(p),
                              static_cast<S*>(out.data_ptr())});
    });
    return known ? out : reference::warp(image, positions, reading);
  }

  static at::Tensor image_gradient(const at::Tensor& grad, const at::Tensor& image,
                                   const at::Tensor& positions, const Reading& reading) {
    if (!countable(image)) return reference::warp_image_gradient(grad, image, positions, reading);
    const auto layout = layout_of(image);
    const auto p = positions.contiguous();
    const auto g = grad.contiguous(layout);
    const auto dtype = image.scalar_type();
    const auto out =
        at::empty(image.sizes(), image.options().dtype(kernels::computed_in(dtype)), layout)
            .zero_();
    const bool known = kernels::with_type(dtype, [&](auto type) {
      using S = decltype(type);
      Device::run(ImageGradientCall<S>{space_of(out, p, reading), numbers<S>(g),
                                       numbers<Wide<S>>(p), static_cast<Wide<S>*>(out.data_ptr())});
    });
    return known ? out.to(dtype) : reference::warp_image_gradient(grad, image, positions, reading);
  }

  static at::Tensor position_gradient(const at::Tensor& grad, const at::Tensor& image,
                                      const at::Tensor& positions, const Reading& reading) {
    if (!countable(image))
      return reference::warp_position_gradient(grad, image, positions, reading);
    const auto x = image.contiguous(layout_of(image));
    const auto p = positions.contiguous();
    const auto g = grad.contiguous(layout_of(x));
    const auto out = at::empty_like(p);
    const bool known = kernels::with_type(x.scalar_type(), [&](auto type) {
      using S = decltype(type);
      Device::run(PositionGradientCall<S>{space_of(x, p, reading), numbers<S>(g), numbers<S>(x),
                                          numbers<Wide<S>>(p),
                                          static_cast<Wide<S>*>(out.data_ptr())});
    });
    return known ? out : reference::warp_position_gradient(grad, image, positions, reading);
  }

 private:
  // The kernels count the voxels of a sample in 32 bits.
  static bool countable(const at::Tensor& image) {
    return image.numel() > 0 && image.numel() / (image.size(0) * image.size(1)) <=
                                    std::numeric_limits<std::int32_t>::max();
  }
  // A register holds one voxel of a channels-last map, so that a few channels are read by planes.
  static at::MemoryFormat layout_of(const at::Tensor& image) {
    constexpr std::int64_t kFew = 8;
    const auto last =
        image.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::ChannelsLast3d;
    const bool keep = !image.is_contiguous() && image.is_contiguous(last) && image.size(1) >= kFew;
    return keep ? last : at::MemoryFormat::Contiguous;
  }
  static Space space_of(const at::Tensor& image, const at::Tensor& positions,
                        const Reading& reading) {
    const auto axes = image.dim() - 2;
    const bool deep = axes == 3;
    return {axes,
            image.size(0),
            image.size(1),
            {deep ? image.size(2) : 1, image.size(-2), image.size(-1)},
            {deep ? positions.size(2) : 1, positions.size(-2), positions.size(-1)},
            layout_of(image) != at::MemoryFormat::Contiguous,
            reading.displaced,
            reading.interpolation == Interpolation::nearest,
            reading.convention == GridConvention::released};
  }
  template <class S>
  static const S* numbers(const at::Tensor& x) {
    return static_cast<const S*>(x.const_data_ptr());
  }
};

}  // namespace covector::ops
