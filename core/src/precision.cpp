#include "precision.h"

#include <ATen/Version.h>
#include <ATen/autocast_mode.h>
#include <torch/nn/module.h>

namespace covector {
namespace autocast = at::autocast;

Hardware Hardware::of(const c10::Device& device) {
  if (device.is_cuda()) return {.gpu = true, .avx512 = false, .bfloat16 = true};
  // As LibTorch was told to compute: ATEN_CPU_CAPABILITY holds here as well.
  const bool avx512 = at::get_cpu_capability() == "AVX512";
  bool bfloat16 = false;
#ifdef __x86_64__
  bfloat16 = avx512 && __builtin_cpu_supports("avx512bf16") != 0;
#endif
  return {.gpu = false, .avx512 = avx512, .bfloat16 = bfloat16};
}

Computing settled(const Computing& asked, const Hardware& hardware, std::int64_t dimensions) {
  auto chosen = asked;
  if (chosen.precision == "auto") chosen.precision = hardware.bfloat16 ? "bfloat16" : "float32";
  if (chosen.layout == "auto") {
    const bool pays_2d = hardware.gpu || hardware.avx512;
    const bool pays_3d = hardware.avx512 && hardware.bfloat16 && chosen.precision == "bfloat16";
    chosen.layout = (dimensions == 2 ? pays_2d : pays_3d) ? "channels_last" : "contiguous";
  }
  return chosen;
}

Autocast::Autocast(c10::DeviceType device, bool on)
    : device_(device),
      on_(on),
      before_(autocast::is_autocast_enabled(device)),
      dtype_before_(autocast::get_autocast_dtype(device)) {
  if (!on_) return;
  autocast::set_autocast_enabled(device_, true);
  autocast::set_autocast_dtype(device_, at::kBFloat16);
  autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (!on_) return;
  if (autocast::decrement_nesting() == 0) autocast::clear_cache();
  autocast::set_autocast_enabled(device_, before_);
  autocast::set_autocast_dtype(device_, dtype_before_);
}

namespace {

// With one channel or one voxel a tensor lies in memory as in both layouts, and convolutions go by
// its strides; contiguous() would leave them.
at::Tensor channels_last(const at::Tensor& tensor) {
  if (tensor.dim() != 4 && tensor.dim() != 5) return tensor;
  const auto layout =
      tensor.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::ChannelsLast3d;
  return tensor.suggest_memory_format() == layout ? tensor : tensor.clone(layout);
}

}  // namespace

void use_channels_last(torch::nn::Module& module) {
  for (auto& parameter : module.parameters()) parameter.set_data(channels_last(parameter.data()));
}

void use_channels_last(Views& views) {
  for (auto& item : views) item.second.set_image(channels_last(item.second.image()));
}

}  // namespace covector
