#include "gvsl.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("gvsl", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, gvsl::Gvsl, gvsl::Options>("gvsl");
}
