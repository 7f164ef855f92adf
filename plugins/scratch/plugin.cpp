#include "scratch.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("scratch", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, scratch::Scratch, scratch::Options>("scratch");
}
