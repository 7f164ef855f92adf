#include "pixpro.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("pixpro", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, pixpro::PixPro, pixpro::Options>("pixpro");
}
