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
  bool avx512 = false;    // of a CPU
  bool bfloat16 = false;  // has instructions that multiply it

  COVECTOR_API static Hardware of(const c10::Device& device);
};

/// `asked`, with each "auto" replaced by what is faster there:
///
///   hardware               precision   layout in 2D    in 3D, float32   in 3D, bfloat16
///   CPU without AVX-512    float32     contiguous      contiguous       contiguous
///   CPU with AVX-512       float32     channels_last   contiguous       contiguous
///   CPU with AVX-512 bf16  bfloat16    channels_last   contiguous       channels_last
///   GPU                    bfloat16    channels_last   contiguous       contiguous
///
/// Measured on a CPU of the third row, and on it without AVX-512; docs/performance.md says how. The
/// row of GPUs is not measured.
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
