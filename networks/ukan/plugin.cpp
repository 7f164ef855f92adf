#include "covector/core/plugin.h"

#include "ukan.h"

COVECTOR_PLUGIN("ukan", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Backbone, ukan::Ukan, ukan::Options>("ukan");
}
