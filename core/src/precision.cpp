#include "precision.h"

#include <ATen/autocast_mode.h>
#include <torch/nn/module.h>

namespace covector {
namespace autocast = at::autocast;

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
