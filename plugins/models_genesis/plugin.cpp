#include "models_genesis.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("models_genesis", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, models_genesis::ModelsGenesis, models_genesis::Options>("models_genesis");
}
