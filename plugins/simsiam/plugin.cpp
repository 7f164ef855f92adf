#include "simsiam.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("simsiam", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, simsiam::SimSiam, simsiam::Options>("simsiam");
}
