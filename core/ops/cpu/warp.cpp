#include "ops/cpu/warp_kernel.h"

#include "kernels/capability.h"
#include "ops/warp_binding.h"

#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>

namespace covector::ops::cpu {
namespace {

// Numbers that are worth a task of their own.
constexpr std::int64_t kTask = 16384;

const WarpKernel& kernel() {
#ifdef COVECTOR_X86
  return kernels::chosen(kWarpDefault, kWarpAvx2, kWarpAvx512);
#else
  return kWarpDefault;
#endif
}

std::int64_t positions_of(const Space& space) {
  return space.out[0] * space.out[1] * space.out[2];
}

struct Cpu {
  template <class S>
  static void run(const WarpCall<S>& call) {
    run_tiles(kernels::of_type<S>(kernel()).warp, call);
  }
  template <class S>
  static void run(const PositionGradientCall<S>& call) {
    run_tiles(kernels::of_type<S>(kernel()).position_gradient, call);
  }
  template <class S>
  static void run(const ImageGradientCall<S>& call) {
    const auto& space = call.space;
    const auto block = space.channels_last ? kBlock : 1;
    const auto blocks = (space.channels + block - 1) / block;
    run_loop(kernels::of_type<S>(kernel()).image_gradient, call, space.samples * blocks,
             block * positions_of(space));
  }

 private:
  template <class Call>
  static void run_tiles(void (*loop)(const Call&, std::int64_t, std::int64_t), const Call& call) {
    const auto& space = call.space;
    const auto tiles = (positions_of(space) + kTile - 1) / kTile;
    run_loop(loop, call, space.samples * tiles, kTile * space.channels);
  }
  // `size`: numbers of one of the `count` things that the loop does.
  template <class Call>
  static void run_loop(void (*loop)(const Call&, std::int64_t, std::int64_t), const Call& call,
                       std::int64_t count, std::int64_t size) {
    const auto grain = std::max<std::int64_t>(1, kTask / std::max<std::int64_t>(1, size));
    at::parallel_for(0, count, grain,
                     [&](std::int64_t begin, std::int64_t end) { loop(call, begin, end); });
  }
};

}  // namespace
}  // namespace covector::ops::cpu

TORCH_LIBRARY_IMPL(covector, CPU, library) {
  using covector::ops::unpacked;
  using covector::ops::unpacked_gradient;
  using Binding = covector::ops::WarpBinding<covector::ops::cpu::Cpu>;
  library.impl("warp", &unpacked<&Binding::warp>);
  library.impl("warp_image_gradient", &unpacked_gradient<&Binding::image_gradient>);
  library.impl("warp_position_gradient", &unpacked_gradient<&Binding::position_gradient>);
}
