#pragma once

#include "covector/core/view.h"

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/MemoryFormat.h>

namespace torch::nn {
class Module;
}

namespace covector {

/// bfloat16 autocast on a device for the life of the object; nothing when `on` is false.
class COVECTOR_API Autocast {
 public:
  Autocast(c10::DeviceType device, bool on);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  c10::DeviceType device_;
  bool on_;
  bool before_;
  at::ScalarType dtype_before_;
};

/// channels_last where a tensor has 4 axes, channels_last_3d where it has 5.
COVECTOR_API void use_channels_last(torch::nn::Module& module);
COVECTOR_API void use_channels_last(Views& views);

}  // namespace covector
