#include "pdcxr.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("pdcxr", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Dataset, pdcxr::Pdcxr, pdcxr::Options>("pdcxr");
}
