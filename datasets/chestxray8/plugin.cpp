#include "chestxray8.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("chestxray8", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Dataset, chestxray8::Chestxray8, chestxray8::Options>("chestxray8");
}
