#include "densecl.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("densecl", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, densecl::DenseCl, densecl::Options>("densecl");
}
