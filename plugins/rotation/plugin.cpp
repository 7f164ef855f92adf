#include "rotation.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("rotation", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, rotation::Rotation, rotation::Options>("rotation");
}
