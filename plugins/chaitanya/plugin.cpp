#include "chaitanya.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("chaitanya", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, chaitanya::Chaitanya, chaitanya::Options>("chaitanya");
}
