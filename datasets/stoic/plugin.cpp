#include "stoic.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("stoic", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Dataset, stoic::Stoic, stoic::Options>("stoic");
}
