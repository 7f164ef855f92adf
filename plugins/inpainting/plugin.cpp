#include "inpainting.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("inpainting", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, inpainting::Inpainting, inpainting::Options>("inpainting");
}
