#include "dsc_pm.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("dsc_pm", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, dsc_pm::DscPm, dsc_pm::Options>("dsc_pm");
}
