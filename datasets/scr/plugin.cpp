#include "scr.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("scr", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Dataset, scr::Scr, scr::Options>("scr");
}
