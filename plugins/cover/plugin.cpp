#include "cover.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("cover", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, cover::Cover, cover::Options>("cover");
}
