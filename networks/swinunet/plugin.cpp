#include "covector/core/plugin.h"

#include "swinunet.h"

COVECTOR_PLUGIN("swinunet", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Backbone, swinunet::Swinunet, swinunet::Options>("swinunet");
}
