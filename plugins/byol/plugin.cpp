#include "byol.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("byol", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, byol::Byol, byol::Options>("byol");
}
