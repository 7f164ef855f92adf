#include "covector/core/plugin.h"

#include "unet.h"

COVECTOR_PLUGIN("unet", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Backbone, unet::Unet, unet::Options>("unet");
}
