#include "covector/core/plugin.h"
#include "greeting.h"

COVECTOR_PLUGIN("invalid_name", "1.0.0", registrar) {
  registrar.add<covector::Command, Greeting, covector::NoOptions>("Gr\u00fcezi");
}
