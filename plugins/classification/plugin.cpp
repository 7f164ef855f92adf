#include "covector/core/plugin.h"

#include "classification.h"

COVECTOR_PLUGIN("classification", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Task, classification::Classification, classification::Options>("classification");
}
