#include "simclr.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("simclr", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, simclr::SimClr, simclr::Options>("simclr");
}
