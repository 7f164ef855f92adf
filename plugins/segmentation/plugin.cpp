#include "covector/core/plugin.h"

#include "segmentation.h"

COVECTOR_PLUGIN("segmentation", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Task, segmentation::Segmentation, segmentation::Options>("segmentation");
}
