#include "gemini.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("gemini", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, gemini::Gemini, gemini::Options>("gemini");
}
