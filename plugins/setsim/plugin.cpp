#include "setsim.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("setsim", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, setsim::SetSim, setsim::Options>("setsim");
}
