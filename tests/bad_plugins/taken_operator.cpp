#include "covector/core/plugin.h"

#include <torch/library.h>

// What core/ops/warp.cpp defines.
TORCH_LIBRARY_FRAGMENT(covector, library) {
  library.def("warp(Tensor image) -> Tensor");
}

COVECTOR_PLUGIN("taken_operator", "1.0.0", registrar) {
  static_cast<void>(registrar);
}
