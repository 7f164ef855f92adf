#include "covector/core/plugin.h"
#include "greeting.h"

// Fails half way: what it registered before must not stay.
COVECTOR_PLUGIN("throwing", "1.0.0", registrar) {
  registrar.add<covector::Command, Greeting, covector::NoOptions>("half");
  throw std::runtime_error("the licence file is missing");
}
