#include "covector/core/plugin.h"

#include "transunet.h"

COVECTOR_PLUGIN("transunet", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Backbone, transunet::Transunet, transunet::Options>("transunet");
}
