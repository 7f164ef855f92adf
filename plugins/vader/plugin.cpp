#include "vader.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("vader", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, vader::Vader, vader::Options>("vader");
}
