#include "data_command.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("data", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Command, data_command::DataCommand, data_command::Options>("data");
}
