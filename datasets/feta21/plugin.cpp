#include "feta21.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("feta21", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Dataset, feta21::Feta21, feta21::Options>("feta21");
}
