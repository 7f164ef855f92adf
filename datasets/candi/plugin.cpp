#include "candi.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("candi", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Dataset, candi::Candi, candi::Options>("candi");
}
