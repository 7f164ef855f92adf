#include "ppmi.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("ppmi", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Dataset, ppmi::Ppmi, ppmi::Options>("ppmi");
}
