#include "denoising.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("denoising", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, denoising::Denoising, denoising::Options>("denoising");
}
