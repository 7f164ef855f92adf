#include "covector/core/plugin.h"

#include "report.h"

COVECTOR_PLUGIN("report", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Command, report::Report, report::Options>("report");
}
