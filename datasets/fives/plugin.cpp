#include "fives.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("fives", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Dataset, fives::Fives, fives::Options>("fives");
}
