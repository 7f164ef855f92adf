#include "kipa22.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("kipa22", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Dataset, kipa22::Kipa22, kipa22::Options>("kipa22");
}
