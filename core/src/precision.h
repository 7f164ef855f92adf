#pragma once

#include "covector/core/view.h"

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/MemoryFormat.h>

#include <cstdint>
#include <string>

namespace torch::nn {
class Module;
}

namespace covector {

/// What [loop] says of how to compute: "float32", "bfloat16" or "auto", and "contiguous",
/// "channels_last" or "auto".
struct Computing {
  std::string precision;
  std::string layout;
};

/// What the choice goes by.
struct Hardware {
  bool gpu = false;
  bool bfloat16 = false;  // has instructions that multiply it

  COVECTOR_API static Hardware of(const c10::Device& device);
};

/// `asked`, with each "auto" replaced by what is faster there:
///
///   hardware              precision   layout: float32, 2D   bfloat16, 2D    either, 3D
///   CPU without bfloat16  float32     contiguous            contiguous      contiguous
///   CPU with bfloat16     bfloat16    contiguous            channels_last   contiguous
///   GPU                   bfloat16    channels_last         channels_last   contiguous
///
/// The rows of CPUs are measured, docs/performance.md says how. The row of GPUs is not.
/// @param dimensions  of the images, 2 or 3
COVECTOR_API Computing settled(const Computing& asked, const Hardware& hardware,
                               std::int64_t dimensions);

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
