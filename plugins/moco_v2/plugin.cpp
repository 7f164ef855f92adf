#include "moco_v2.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("moco_v2", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, moco_v2::MocoV2, moco_v2::Options>("moco_v2");
}
